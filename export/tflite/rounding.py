"""Symmetric quantisation to int8."""

import numpy as np


def to_int8(values: np.ndarray, axis: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Quantises an array: value ≈ scale · integer, with zero point 0.

    Args:
        values: float array.
        axis: The axis that shares a scale; None for one scale for the whole array.

    Returns:
        int8 integers from −127 to 127 in the shape of `values`, and float32 scales that broadcast
        against them. The scale of zeros is 1.
    """
    largest = np.abs(values).max(axis=axis, keepdims=axis is not None)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    integers = np.clip(np.round(values / scales), -127, 127).astype(np.int8)
    return integers, scales
