"""Finds the state dict in the files that training scripts of PyTorch write."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo import torch_file
from zoo.torch_readout import TorchImportError

# Modules of a loss, whose weights a classifier does not use.
_LOSS = re.compile(r"(.*\.)?(criterion|loss|loss_fn|loss_func|loss_function)\..*")
# Keys of checkpoints that hold the state dict, the likeliest first.
_KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "model_state", "weights")


def read_state_dict(path: str | os.PathLike) -> dict[str, Any]:
    """Reads a .safetensors file, or a .pt, .pth, .bin or .ckpt file without running code in it.

    A state dict may be inside of a checkpoint, as Lightning and training scripts write them.

    Raises:
        TorchImportError: If the file is missing, has no state dict, or would run code.
    """
    path = Path(path)
    if not path.is_file():
        raise TorchImportError(f"There is no file {path}.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix not in torch_file.ENDINGS:
        raise TorchImportError(f"{path}: a state dict is a .pt, .pth, .ckpt or .safetensors file.")
    remedy = "Save only the state dict: torch.save(model.state_dict(), 'model.pt')."
    try:
        value = torch_file.load(path, "weights", remedy)
    except torch_file.TorchFileError as error:
        raise TorchImportError(str(error)) from None
    found = _state_dict(value)
    if found is None:
        raise TorchImportError(
            f"{path} has no state dict (names to tensors). Save one: "
            "torch.save(model.state_dict(), 'model.pt')."
        )
    return found


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        import safetensors
        from safetensors.numpy import load_file
    except ImportError:
        raise TorchImportError(str(torch_file.missing(path, "safetensors"))) from None
    try:
        return load_file(path)
    except (safetensors.SafetensorError, KeyError) as error:
        raise TorchImportError(f"{path} is not a valid .safetensors file: {error}.") from None


def _state_dict(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping) or not value:
        return None
    if all(isinstance(k, str) and hasattr(v, "detach") for k, v in value.items()):
        return dict(value)
    inside = (value[key] for key in _KEYS if key in value)
    return next((found for one in inside if (found := _state_dict(one)) is not None), None)


def without_loss(state_dict: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The weights of the classifier, and the names of those that belong to its loss."""
    left_out = [name for name in state_dict if _LOSS.fullmatch(name)]
    return {name: v for name, v in state_dict.items() if name not in left_out}, left_out
