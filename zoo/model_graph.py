"""The operations of a Keras model, read from its graph instead of its list of layers."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from zoo.text import PAD_ID


class UnsupportedModelError(ValueError):
    """A model that is not a supported text classifier."""


@dataclass(frozen=True)
class Step:
    """One operation on the path from a model's input to its output.

    Attributes:
        operation: A layer, or an operation of `keras.ops`.
        inputs: The output of the step before.
        output: Its output tensor.
        arguments: Its other positional and keyword arguments, by position and by name.
    """

    operation: Any
    inputs: Any
    output: Any
    arguments: dict[int | str, Any]

    @property
    def mask(self) -> Any:
        """The symbolic mask argument of the operation, or None."""
        return self.arguments.get("mask")


def functional(model: keras.Model) -> keras.Model:
    """Converts a model to a functional one with one input and one output, sharing the weights.

    A subclass of `keras.Model` is traced through its `call`.

    Raises:
        UnsupportedModelError: If the model is not built, has several inputs or outputs, or has a
            `call` that Keras cannot trace.
    """
    if not isinstance(model, keras.Model):
        raise UnsupportedModelError(
            f"A {type(model).__module__}.{type(model).__name__} is not a Keras 3 model. Load or "
            "rebuild it with Keras 3, or import PyTorch weights with `python -m zoo import`."
        )
    if not model.built or not model.weights:
        raise UnsupportedModelError(
            f"Model {model.name!r} has no weights: it is not built. Call it once on token ids, "
            "or begin it with keras.Input((None,), dtype='int32')."
        )
    if isinstance(model, keras.Sequential) or _is_functional(model):
        inputs, outputs = model.inputs, model.outputs
    else:
        inputs, outputs = _traced(model)
    if len(inputs) != 1:
        names = ", ".join(repr(tensor.name) for tensor in inputs)
        raise UnsupportedModelError(
            f"Model {model.name!r} has {len(inputs)} inputs ({names}); a text classifier takes "
            "token ids alone."
        )
    if len(outputs) != 1:
        names = ", ".join(repr(tensor._keras_history.operation.name) for tensor in outputs)
        raise UnsupportedModelError(
            f"Model {model.name!r} has {len(outputs)} outputs ({names}). Export one of them: "
            "keras.Model(model.input, model.outputs[0])."
        )
    if len(inputs[0].shape) != 2:
        raise UnsupportedModelError(
            f"Model {model.name!r} takes {list(inputs[0].shape)}; a text classifier takes token "
            "ids, int32 [batch, time]."
        )
    return keras.Model(inputs[0], outputs[0], name=model.name)


def steps(graph: keras.Model) -> list[Step]:
    """The operations of a `functional` model, from its input to its output.

    Raises:
        UnsupportedModelError: If an operation takes several tensors, apart from a mask.
    """
    return list(_backwards(graph.outputs[0]))[::-1]


def _backwards(tensor) -> Iterator[Step]:
    while True:
        history = tensor._keras_history
        operation = history.operation
        if isinstance(operation, keras.layers.InputLayer):
            return
        call = operation._inbound_nodes[history.node_index].arguments
        arguments: dict[int | str, Any] = {**dict(enumerate(call.args)), **call.kwargs}
        tensors = [key for key, value in arguments.items() if is_symbolic(value) and key != "mask"]
        if len(tensors) != 1:
            raise UnsupportedModelError(
                f"Layer {operation.name!r} ({type(operation).__name__}) takes "
                f"{len(tensors) or 'lists of'} tensors; only a chain of layers from the token ids "
                "to the scores is supported."
            )
        inputs = arguments.pop(tensors[0])
        yield Step(operation, inputs, tensor, arguments)
        tensor = inputs


def is_symbolic(value: Any) -> bool:
    """Whether the value is a symbolic tensor of a model's graph."""
    return isinstance(value, keras.KerasTensor)


def masks_padding(model: keras.Model) -> bool:
    """Whether a layer of the model skips the steps with the token id `PAD_ID`.

    Raises:
        UnsupportedModelError: If the model is no chain of operations, see `functional` and `steps`.
    """
    graph = functional(model)
    tokens = graph.inputs[0]._keras_history.operation.output
    masks = [step.mask for step in steps(graph) if step.mask is not None]
    return any(tests_for_padding(mask, tokens) for mask in masks)


def tests_for_padding(mask, tokens, padding: int = PAD_ID) -> bool:
    """Whether a symbolic mask is `tokens != padding`, as from `Embedding(mask_zero=True)`."""
    history = mask._keras_history
    if type(history.operation).__name__ != "NotEqual":
        return False
    operands = history.operation._inbound_nodes[history.node_index].arguments.args
    others = [value for value in operands if value is not tokens]
    return len(operands) == 2 and len(others) == 1 and _is_number(others[0], padding)


def _is_number(value: Any, number: int) -> bool:
    try:
        return not is_symbolic(value) and float(value) == number
    except (TypeError, ValueError):
        return False


def _is_functional(model: keras.Model) -> bool:
    """Whether the class has no `call` of its own, so that the graph is complete."""
    return hasattr(model, "inputs") and type(model).call is _functional_call()


@functools.cache
def _functional_call():
    """The `call` of Keras's functional models, whose class is private."""
    x = keras.Input((1,))
    return type(keras.Model(x, keras.layers.Identity()(x))).call


def _traced(model: keras.Model):
    """Inputs and outputs of a subclass, called on a symbolic tensor."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    try:
        outputs = model.call(tokens)
    except Exception as error:  # the user's code may raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UnsupportedModelError(
            f"Model {model.name!r} is a subclass ({type(model).__name__}) whose call cannot be "
            f"traced on token ids [batch, time]: {reason} Write call with Keras layers and "
            "keras.ops, or build the model from keras.Input."
        ) from error
    flat = keras.tree.flatten(outputs)
    if not flat or not all(is_symbolic(tensor) for tensor in flat):
        raise UnsupportedModelError(
            f"Model {model.name!r} is a subclass ({type(model).__name__}) whose call does not "
            "return Keras tensors. Write it with Keras layers and keras.ops."
        )
    return [tokens], flat
