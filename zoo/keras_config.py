"""Reads what a file of a Keras model says about it, checked, and without Keras.

A .keras file is a zip archive, a .h5 file is HDF5, and the folder of a SavedModel that Keras 2
wrote has the configuration in keras_metadata.pb.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from zoo import archive
from zoo.reasons import first_line

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
ENTRIES = {CONFIG, WEIGHTS, "metadata.json"}
ASSETS = ("assets/", "vocabulary.txt")  # how entries with the words of a text layer begin and end
LARGEST = 4_000_000_000  # bytes
LARGEST_CONFIG = 1_000_000  # bytes
STATE_RATIO = 64  # largest ratio of a layer's units² to the bytes of all weights
ARCHIVE_ENDINGS, HDF5_ENDINGS = (".keras",), (".h5", ".hdf5")
METADATA, GRAPH, VARIABLES = "keras_metadata.pb", "saved_model.pb", "variables"
SAVE_AGAIN = "Save it as .keras with Keras 3, or as .h5 with Keras 2: model.save('model.h5')"


class KerasFileError(ValueError):
    """A file of a Keras model that is damaged, would take far more memory than its weights, or
    holds what cannot be loaded without running its code.
    """


@dataclass(frozen=True)
class Stored:
    """What a file says about its model.

    Attributes:
        config: The class and the configuration of the model.
        loss: The loss that it was compiled with, as Keras stores it; None if there is none.
        names: Of SavedModels: the names of layers by their paths in the object graph.
    """

    config: dict[str, Any]
    loss: Any
    names: dict[str, str]

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Every dict in the configuration."""
        return dicts(self.config)

    def embedding_rows(self) -> int | None:
        """The number of token ids, if there is one Embedding."""
        found = [one for one in self.dicts() if one.get("class_name") == "Embedding"]
        rows = [one["config"].get("input_dim") for one in found if isinstance(one["config"], dict)]
        return rows[0] if len(rows) == 1 and type(rows[0]) is int else None

    def has(self, kind: str) -> bool:
        """Whether there is a layer of this class."""
        return any(one.get("class_name") == kind for one in self.dicts())

    def length(self) -> int | None:
        """The fixed number of ids of a text, or None."""
        for one in self.dicts():
            config = one.get("config")
            if one.get("class_name") == "InputLayer" and isinstance(config, dict):
                if config.get("dtype") == "string":
                    continue
                shape = config.get("batch_shape", config.get("batch_input_shape"))
                if isinstance(shape, list) and len(shape) == 2 and type(shape[1]) is int:
                    return shape[1]
        return None

    def outputs(self) -> int | None:
        """The number of outputs, if the last layer with a width is a Dense layer."""
        layers = self.config.get("config", {})
        layers = layers.get("layers") if isinstance(layers, dict) else None
        for one in reversed(layers if isinstance(layers, list) else []):
            kind, config = (
                (one.get("class_name"), one.get("config")) if type(one) is dict else ("", 0)
            )
            if kind == "Dense" and type(config) is dict and type(config.get("units")) is int:
                return config["units"]
            if kind not in ("Activation", "Softmax", "Dropout"):
                break
        return None


def read(path: Path) -> Stored:
    """Reads the configuration of a .keras file, a .h5 file or the folder of a SavedModel.

    Raises:
        KerasFileError: If it is damaged, too large, or holds no model.
    """
    try:
        if path.is_dir():
            return _read_folder(path)
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has {path.stat().st_size:,} bytes; {LARGEST:,} are allowed")
        return _read_hdf5(path) if path.suffix.lower() in HDF5_ENDINGS else _read_archive(path)
    except KerasFileError:
        raise
    except archive.DAMAGE as error:
        raise KerasFileError(f"{path} is damaged ({first_line(error)}).") from None
    except ValueError as error:
        raise KerasFileError(f"{path} is damaged: {first_line(error)}.") from None


def _read_archive(path: Path) -> Stored:
    with archive.opened(str(path), largest=LARGEST) as files:
        names = set(files.namelist())
        others = {name for name in names if not _is_asset(name)}
        if not {CONFIG, WEIGHTS} <= others <= ENTRIES:
            raise ValueError(f"it holds {sorted(others)[:5]}, not {sorted(ENTRIES)}")
        if files.getinfo(CONFIG).file_size > LARGEST_CONFIG:
            raise ValueError(f"its {CONFIG} is larger than {LARGEST_CONFIG:,} bytes")
        # Reading an entry completely checks its checksum, which Keras does not always do.
        content = {name: files.read(name) for name in sorted(names)}
    _refuse_keras_2(path, content.get("metadata.json", b""))
    weights = content[WEIGHTS]
    with _opened(io.BytesIO(weights), WEIGHTS) as file:
        check_arrays(file, len(weights), WEIGHTS)
    config = _json(content[CONFIG], CONFIG)
    check_sizes(config, len(weights))
    compiled = config.get("compile_config")
    return Stored(config, compiled.get("loss") if type(compiled) is dict else None, {})


def _is_asset(name: str) -> bool:
    first, last = ASSETS
    parts = name.split("/")
    return name.startswith(first) and parts[-1] == last and ".." not in parts and "" not in parts


def _refuse_keras_2(path: Path, metadata: bytes) -> None:
    try:
        version = json.loads(metadata or b"{}").get("keras_version", "")
    except (ValueError, RecursionError, AttributeError):
        return  # Keras does not need it
    if isinstance(version, str) and version.startswith("2."):
        raise KerasFileError(
            f"{path} was written by Keras {version:.20}, whose .keras files Keras 3 cannot read. "
            "Save it as .h5 there: model.save('model.h5')."
        )


def _read_hdf5(path: Path) -> Stored:
    with _opened(path, path.name) as file:
        check_arrays(file, path.stat().st_size, path.name)
        config, training = (file.attrs.get(key) for key in ("model_config", "training_config"))
    if config is None:
        raise KerasFileError(
            f"{path} holds weights without a model. Load them into the model that they belong to, "
            "and save it: model.save('model.keras')."
        )
    value = _json(config, "model_config")
    check_sizes(value, path.stat().st_size)
    return Stored(value, _loss(training), {})


def _read_folder(path: Path) -> Stored:
    if not (path / METADATA).is_file():
        raise KerasFileError(
            f"{path} is a SavedModel without {METADATA}: a graph, from which no layers can be "
            f"read. {SAVE_AGAIN}."
        )
    size = (path / METADATA).stat().st_size
    if size > 16 * LARGEST_CONFIG:
        raise ValueError(f"its {METADATA} has {size:,} bytes")
    nodes: dict[str, dict[str, Any]] = {}
    for field, value in _fields((path / METADATA).read_bytes()):
        if field == 1 and isinstance(value, bytes):
            node = dict(_fields(value))
            place, described = node.get(3), node.get(5)
            if isinstance(place, bytes) and isinstance(described, bytes):
                nodes[place.decode()] = _json(described, METADATA)
    root = nodes.get("root", {})
    layers = root.get("config")
    if not isinstance(layers, dict) or "layers" not in layers:
        raise KerasFileError(
            f"{path} is a SavedModel of the class {root.get('class_name')!r:.60}, whose layers are "
            "in its code alone. Build the model from keras.Input, or as Sequential, load the "
            f"weights, and save it as .h5: model.save('model.h5')."
        )
    weights = sum(one.stat().st_size for one in (path / VARIABLES).glob("variables.data-*"))
    if weights > LARGEST:
        raise ValueError(f"its variables have {weights:,} bytes; {LARGEST:,} are allowed")
    config = {"class_name": root.get("class_name"), "config": _plain(layers)}
    check_sizes(config, weights)
    names = {place: node["name"] for place, node in nodes.items() if type(node.get("name")) is str}
    training = root.get("training_config")
    loss = training.get("loss") if isinstance(training, dict) else None
    return Stored(config, loss, names)


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protocol buffer: numbers and bytes."""
    place = 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = content[place]
            place, value, shift = place + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError(f"its {METADATA} is not a protocol buffer")

    while place < len(content):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number()
        elif key & 7 == 2:
            size = number()
            yield key >> 3, content[place : place + size]
            place += size
        else:
            raise ValueError(f"its {METADATA} is not a protocol buffer of Keras")


def _plain(value: Any) -> Any:
    """Without the wrappers of tuples."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
            return [_plain(one) for one in value["items"]]
        return {key: _plain(one) for key, one in value.items()}
    return value


def _opened(file: Path | io.BytesIO, name: str) -> h5py.File:
    try:
        return h5py.File(file, "r")
    except Exception as error:  # HDF5's errors for a bad file have no common class
        raise ValueError(f"its {name} cannot be read ({first_line(error)})") from None


def check_arrays(file: h5py.File, size: int, name: str) -> None:
    """Checks that the arrays of a file are in it and fit it.

    Keras does not compress, so larger arrays are a bomb, and it does not link to other files.

    Raises:
        ValueError: If not.
    """
    sizes = []

    def look(_, item):
        if isinstance(item, h5py.Dataset):
            sizes.append(item.nbytes)
            if item.external or item.is_virtual:
                raise ValueError(f"its {name} takes arrays from other files")
        else:
            _check_links(item, name)

    try:
        _check_links(file, name)
        file.visititems(look)
    except ValueError:
        raise
    except Exception as error:  # as above
        raise ValueError(f"its {name} cannot be read ({first_line(error)})") from None
    if sum(sizes) > size:
        raise ValueError(f"its {name} would take {sum(sizes):,} bytes of memory, but has {size:,}")


def _check_links(group: h5py.Group, name: str) -> None:
    if not all(type(group.get(key, getlink=True)) is h5py.HardLink for key in group):
        raise ValueError(f"its {name} links to other places")


def _json(content: Any, name: str) -> dict[str, Any]:
    if isinstance(content, (str, bytes)) and len(content) > LARGEST_CONFIG:
        raise ValueError(f"its {name} is larger than {LARGEST_CONFIG:,} bytes")
    try:
        value = json.loads(content)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"its {name} is not JSON ({first_line(error)})") from None
    if not isinstance(value, dict):
        raise ValueError(f"its {name} is not a JSON object")
    return value


def _loss(training: Any) -> Any:
    """The loss of `training_config`, which only the kind of scores depends on."""
    return None if training is None else _json(training, "training_config").get("loss")


def check_sizes(config: Any, weights: int) -> None:
    """Checks the layers' sizes, since building layers that are too large would fill the memory.

    Raises:
        ValueError: If a layer is larger than the weights.
    """
    quantised = any("Quantized" in str(one.get("class_name")) for one in dicts(config))
    smallest = 0.5 if quantised else 2  # bytes of a weight
    for value in dicts(config):
        units, rows, width = (_size(value, key) for key in ("units", "input_dim", "output_dim"))
        # Each unit has a weight. Most recurrent layers have units × units weights, which are built
        # before a mismatch is detected.
        recurrent = "kernel_initializer" not in value or "recurrent_initializer" in value
        if max(units, rows * width) * smallest > weights or (
            recurrent and units**2 > STATE_RATIO * weights
        ):
            raise ValueError(f"its {CONFIG} describes a larger layer than its weights")


def dicts(config: Any) -> Iterator[dict[str, Any]]:
    """Yields every dict in a JSON value."""
    left = [config]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
            yield value
        elif isinstance(value, list):
            left += value


def _size(config: dict, key: str) -> int:
    value = config.get(key)
    return value if isinstance(value, int) else 0
