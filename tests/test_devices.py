"""What models train on."""

import keras
import pytest

from zoo import devices


def test_the_cpu_is_described_with_its_cores(monkeypatch):
    monkeypatch.setattr(devices, "accelerators", list)
    monkeypatch.setattr(devices.os, "cpu_count", lambda: 3)
    assert devices.describe() == "CPU, 3 cores"


def test_an_accelerator_is_named(monkeypatch):
    monkeypatch.setattr(devices, "accelerators", lambda: ["NVIDIA H100"])
    assert devices.describe() == "NVIDIA H100"


@pytest.mark.parametrize(
    ("backend", "policy"),
    [("tensorflow", "mixed_float16"), ("jax", "mixed_bfloat16"), ("torch", "mixed_bfloat16")],
)
def test_the_policy_of_16_bits_is_that_of_the_backend(monkeypatch, backend, policy):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert devices.mixed_policy() == policy
