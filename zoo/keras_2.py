"""Rebuilds models that Keras 2 wrote: .h5 files, and the folders of SavedModels.

The graph of a SavedModel is a program, and is not run. Its folder also has the configuration of
the layers, and a checkpoint of their variables with the paths of Python attributes.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from zoo.keras_config import SAVE_AGAIN, VARIABLES, KerasFileError, Stored

MODELS = {"Sequential": keras.Sequential, "Functional": keras.Model, "Model": keras.Model}


# Where Keras 3 has the operations that its own .h5 files name without a package: of a mask.
_OPERATIONS = {"NotEqual": "keras.src.ops.numpy"}
# Packages of the classes in a layer's configuration, by the ends of their keys.
_PACKAGES = {
    "layer": "keras.layers",
    "cell": "keras.layers",
    "cells": "keras.layers",
    "_initializer": "keras.initializers",
    "_regularizer": "keras.regularizers",
    "_constraint": "keras.constraints",
}


def modern(config: Any, package: str | None = None) -> Any:
    """A configuration as Keras 3 reads it: with packages, and without arguments that it lacks.

    Args:
        config: A JSON value.
        package: Where its class is, if Keras 2 did not write that down.
    """
    if isinstance(config, list):
        return [modern(one, package) for one in config]
    if not isinstance(config, dict):
        return config
    found = {
        key: modern(value, next((_PACKAGES[end] for end in _PACKAGES if key.endswith(end)), None))
        for key, value in config.items()
    }
    if found.get("class_name") in _OPERATIONS:
        package = _OPERATIONS[found["class_name"]]
    if package and "class_name" in found and "module" not in found:
        found.update(module=package, registered_name=None)
    if "output_layers" in found and isinstance(found.get("layers"), list):
        _renumber(found)
    if found.get("time_major") is False:
        del found["time_major"]
    if "input_dim" in found and "output_dim" in found:  # an Embedding
        found.pop("input_length", None)
    return found


def _renumber(config: dict[str, Any]) -> None:
    """Counts the calls of a Sequential inside of another model from 0, as Keras 3 does.

    In Keras 2, its own graph is call 0.
    """
    for layer in config["layers"]:
        name, calls = layer.get("name"), layer.get("inbound_nodes")
        if layer.get("class_name") != "Sequential" or not isinstance(calls, list):
            continue
        found = [one for one in _references(config) if one[0] == name]
        if any(one[1] >= len(calls) for one in found):
            for one in found:
                one[1] -= 1


def _references(value: Any) -> Iterator[list[Any]]:
    """Every reference to an output of a layer: its name, call and place, in a list."""
    if isinstance(value, list):
        inside = value
        if len(value) >= 3 and [type(one) for one in value[:3]] == [str, int, int]:
            yield value
    else:
        inside = list(value.values()) if isinstance(value, dict) else []
    for one in inside:
        yield from _references(one)


def _require_known(path: Path, config: dict[str, Any]) -> None:
    """Raises `KerasFileError` for a class that is found nowhere."""
    layers = config.get("config", {})
    for one in layers.get("layers", []) if isinstance(layers, dict) else []:
        kind = one.get("class_name")
        known = hasattr(keras.layers, str(kind)) or kind in MODELS or "module" in one
        if not known and keras.saving.get_registered_object(kind) is None:
            raise KerasFileError(
                f"{path} holds a {kind!r:.60}, which Keras 3 cannot rebuild from such a file. Save "
                "the model as .keras with Keras 3; if it is of Keras 2, put a layer in its place."
            )


def from_hdf5(path: Path, stored: Stored) -> keras.Model:
    """Loads a .h5 file.

    Args:
        path: The file.
        stored: Its configuration, checked.
    """
    config = modern(stored.config)
    _require_known(path, config)
    if config == stored.config:
        return keras.models.load_model(path, compile=False)
    # Keras takes the configuration from the file alone, so it gets a copy.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copyfile(path, Path(folder) / f"model{path.suffix}"))
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = json.dumps(config)
        return keras.models.load_model(copy, compile=False)


def from_folder(path: Path, stored: Stored) -> keras.Model:
    """Rebuilds the model of a SavedModel from its configuration and its variables.

    Args:
        path: The folder.
        stored: Its configuration, checked.

    Raises:
        KerasFileError: If a weight is not in the checkpoint.
    """
    import tensorflow as tf
    from tensorflow.core.protobuf import trackable_object_graph_pb2 as graphs

    kind = stored.config["class_name"]
    if kind not in MODELS:
        raise KerasFileError(
            f"{path} is a SavedModel of the class {kind!r:.60}, whose call is in its code alone. "
            f"{SAVE_AGAIN}."
        )
    config = modern(stored.config)
    _require_known(path, config)
    model = MODELS[kind].from_config(config["config"])
    if not model.built:
        raise KerasFileError(f"{path} does not say the shape of its input. {SAVE_AGAIN}.")
    checkpoint = tf.train.load_checkpoint(str(path / VARIABLES / "variables"))
    graph = graphs.TrackableObjectGraph.FromString(
        checkpoint.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    )
    left = {id(weight): weight for weight in model.weights}
    todo: list[tuple[Any, int, str]] = [(model, 0, "root")]
    while todo:
        owner, number, place = todo.pop()
        for child in graph.nodes[number].children:
            here = f"{place}.{child.local_name}"
            keys = [one.checkpoint_key for one in graph.nodes[child.node_id].attributes]
            found = _child(owner, child.local_name, stored.names.get(here))
            if isinstance(found, keras.Layer):
                todo.append((found, child.node_id, here))
            elif isinstance(found, keras.Variable) and len(keys) == 1:
                value = checkpoint.get_tensor(keys[0])
                if np.shape(value) != tuple(found.shape):
                    raise KerasFileError(
                        f"{path}: the variable {keys[0]!r} is {list(np.shape(value))}, but "
                        f"{found.path} is {list(found.shape)}. {SAVE_AGAIN}."
                    )
                found.assign(value)
                left.pop(id(found), None)
    random = {id(w) for layer in _layers(model) for w in layer.weights if w.dtype == "uint32"}
    missing = [weight.path for key, weight in left.items() if key not in random]
    if missing:
        raise KerasFileError(
            f"{path} has no variable for {', '.join(missing[:3])}, so its layers cannot be rebuilt "
            f"from it. {SAVE_AGAIN}."
        )
    return model


def _child(owner: Any, attribute: str, layer: str | None) -> Any:
    """The layer or variable of an attribute; layers of a model go by their names."""
    if isinstance(owner, keras.Model):
        return next((one for one in owner.layers if one.name == layer), None)
    return getattr(owner, attribute, None)


def _layers(model: keras.Model) -> list[Any]:
    return list(model._flatten_layers(include_self=False))
