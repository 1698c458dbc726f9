"""The device that a model trains on."""

import os

import keras
import pytest

from zoo import devices


@pytest.mark.parametrize(
    ("accelerators", "expected"),
    [([], f"CPU, {os.cpu_count()} cores"), (["H100", "A100"], "H100, A100")],
)
def test_a_device_is_described_by_its_accelerators_or_its_cores(
    monkeypatch, accelerators, expected
):
    monkeypatch.setattr(devices, "accelerators", lambda: accelerators)
    assert devices.describe() == expected


def test_the_names_of_gpus_are_those_of_the_backend(monkeypatch):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("asks TensorFlow")
    import tensorflow as tf

    gpus = [tf.config.PhysicalDevice("GPU:0", "GPU"), tf.config.PhysicalDevice("GPU:1", "GPU")]
    details = {"GPU:0": {"device_name": "NVIDIA H100"}, "GPU:1": {}}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details[gpu.name])
    assert devices.accelerators() == ["NVIDIA H100", "GPU:1"]


@pytest.mark.parametrize(
    ("backend", "policy"),
    [("tensorflow", "mixed_float16"), ("jax", "mixed_bfloat16"), ("torch", "mixed_bfloat16")],
)
def test_only_tensorflow_trains_in_float16(monkeypatch, backend, policy):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert devices.mixed_policy() == policy


@pytest.mark.parametrize(("backend", "hidden"), [("tensorflow", []), ("jax", [([], "GPU")])])
def test_tensorflow_sees_no_gpu_beside_another_backend(monkeypatch, backend, hidden):
    import tensorflow as tf

    calls = []
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *given: calls.append(given))
    devices.keep_tensorflow_off()
    assert calls == hidden
