"""The devices that models train on."""

import os

import keras


def accelerators() -> list[str]:
    """Names of the GPUs (or TPUs) that the current Keras backend sees."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return [d.get("device_name", gpu.name) for d, gpu in zip(details, gpus, strict=True)]
    if backend == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform != "cpu"]
    if backend == "torch":
        import torch

        return [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    return []


def describe() -> str:
    """The device in words, for a log and a model card."""
    found = accelerators()
    return ", ".join(found) if found else f"CPU, {os.cpu_count()} cores"


def mixed_policy() -> str:
    """The mixed-precision policy of this backend's kernels.

    TensorFlow's cuDNN layers take float16, for which Keras scales the loss; elsewhere bfloat16
    needs no scaling.
    """
    return "mixed_float16" if keras.backend.backend() == "tensorflow" else "mixed_bfloat16"


def keep_tensorflow_off() -> None:
    """Hides GPUs from TensorFlow where another backend trains.

    TensorFlow only reads the data, and would take the memory that the backend needs.
    """
    if keras.backend.backend() == "tensorflow":
        return
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
