"""Names that TensorFlow allows, for models whose layers have others."""

import re

import keras

from export.architecture import UnsupportedModelError
from zoo.reasons import first_line

_ALLOWED = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


def of(model: keras.Model) -> keras.Model:
    """Returns a copy with plain names of a model that has others; itself if it has none.

    Keras runs its layers in TensorFlow's scopes, which allow no spaces and no letters beyond ASCII.

    Raises:
        UnsupportedModelError: If the model cannot be copied.
    """
    if not isinstance(model, keras.Model) or not model.built:
        return model  # reading the architecture gives a better error
    layers = list(model._flatten_layers())
    if all(_ALLOWED.fullmatch(layer.name) for layer in layers):
        return model
    names = {layer.name: f"{_plain(layer.name)}_{n}" for n, layer in enumerate(layers)}
    try:
        copy = keras.models.clone_model(
            model,
            clone_function=lambda layer: type(layer).from_config(
                _renamed(layer.get_config(), names)
            ),
        )
        copy = keras.Model(copy.inputs, copy.outputs, name=_plain(model.name))
        copy.set_weights(model.get_weights())
    except Exception as error:  # layers of one's own may have any constructor
        raise UnsupportedModelError(
            f"Model {model.name!r} has names that TensorFlow does not allow, and cannot be copied "
            f"with others ({first_line(error)}). Name its layers with ASCII letters and digits."
        ) from error
    if model.compiled and getattr(model, "loss", None) is not None:
        copy.compile(loss=model.loss)  # it determines the kind of scores
    return copy


def _plain(name: str) -> str:
    return _ODD.sub("_", name).strip("_.-") or "layer"


def _renamed(config, names: dict[str, str]):
    """A configuration with other names of layers."""
    if isinstance(config, dict):
        return {
            key: names.get(value, _plain(value)) if _is_odd(key, value) else _renamed(value, names)
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        return type(config)(_renamed(one, names) for one in config)
    return config


def _is_odd(key: str, value) -> bool:
    return key == "name" and isinstance(value, str) and not _ALLOWED.fullmatch(value)
