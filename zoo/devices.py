"""The devices that models are trained on."""

import os

import keras


def accelerators() -> list[str]:
    """Names of the GPUs and TPUs that are visible to the Keras backend."""
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
    """The name of the device, for logs and model cards."""
    names = accelerators()
    return ", ".join(names) if names else f"CPU, {os.cpu_count()} cores"


def mixed_policy() -> str:
    """The mixed-precision policy for this backend.

    TensorFlow's cuDNN layers support float16, for which Keras scales the loss. On other backends,
    bfloat16 needs no loss scaling.
    """
    return "mixed_float16" if keras.backend.backend() == "tensorflow" else "mixed_bfloat16"


def keep_tensorflow_off() -> None:
    """Hides GPUs from TensorFlow unless it is the backend.

    TensorFlow only reads the data then, and would allocate GPU memory that the backend needs.
    """
    if keras.backend.backend() == "tensorflow":
        return
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
