"""The operations that a Keras model applies, read from its graph instead of its list of layers."""

import functools
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from zoo.reasons import first_line
from zoo.text import PAD_ID


class UnsupportedModelError(ValueError):
    """A model that cannot be read or exported as a text classifier."""


@dataclass(frozen=True)
class Step:
    """One operation on the way from a model's input to its output.

    Attributes:
        operation: A layer, or an operation of `keras.ops`.
        inputs: Its input tensors, without the mask.
        outputs: Its output tensors.
        mask: The symbolic mask that it is called with, or None.
    """

    operation: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    mask: Any

    @property
    def output(self) -> Any:
        """The first of its outputs."""
        return self.outputs[0]


def functional(model: keras.Model, *, of_texts: bool = False) -> keras.Model:
    """Returns a model as a functional model with one input and one output, sharing the weights.

    The `call` of a subclass of `keras.Model` is traced. Nested models are inlined.

    Args:
        model: Built, from token ids, int32 [batch, time].
        of_texts: Whether it takes strings instead.

    Raises:
        UnsupportedModelError: If the model is not built, has several inputs or outputs, or has a
            `call` that Keras cannot trace.
    """
    if not isinstance(model, keras.Model):
        raise UnsupportedModelError(
            f"A {type(model).__module__}.{type(model).__name__} is not a Keras 3 model. Save a "
            "model of Keras 2 as .h5, and give the file; weights of PyTorch are read by `python -m "
            "zoo import`."
        )
    if not model.built or not model.weights:
        raise UnsupportedModelError(
            f"Model {model.name!r} has no weights yet: it is not built. Call it once on token ids, "
            "or start it with keras.Input((None,), dtype='int32')."
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
    if not of_texts and len(inputs[0].shape) != 2:
        raise UnsupportedModelError(
            f"Model {model.name!r} takes {list(inputs[0].shape)}; a text classifier takes token "
            "ids, int32 [batch, time]."
        )
    return _flat(keras.Model(inputs[0], outputs[0], name=model.name))


def _flat(model: keras.Model) -> keras.Model:
    """Inlines nested models."""
    if not any(_is_nested(step.operation) for step in steps(model)):
        return model
    tokens = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype, name="tokens")
    return keras.Model(tokens, _run(model, tokens), name=model.name)


def _run(model: keras.Model, inputs) -> Any:
    """Calls a model on symbolic inputs, with the operations of nested models in place."""

    def placed(operation):
        def call(*arguments, **options):
            if options.get("mask", 0) is None:
                del options["mask"]  # with an explicit None, Keras ignores the mask of the inputs
            if _is_nested(operation):
                return _run(operation, arguments[0])
            return operation(*arguments, **options)

        return call

    graph = model._functional if isinstance(model, keras.Sequential) else model
    found = graph._run_through_graph(inputs, operation_fn=placed)
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _is_nested(operation) -> bool:
    """Whether an operation is a model that can be inlined."""
    if isinstance(operation, keras.Sequential):
        return operation._functional is not None
    return isinstance(operation, keras.Model) and _is_functional(operation)


def steps(graph: keras.Model) -> list[Step]:
    """The operations of a `functional` model in topological order."""
    found: dict[int, Step] = {}  # by the identity of its first output
    for tensor in _ordered(graph.outputs[0]):
        step = step_of(tensor)
        if step is not None:
            found.setdefault(id(step.output), step)
    return list(found.values())


def step_of(tensor) -> Step | None:
    """The operation that outputs a tensor; None for a model input."""
    history = tensor._keras_history
    if isinstance(history.operation, keras.layers.InputLayer):
        return None
    node = history.operation._inbound_nodes[history.node_index]
    options = dict(node.arguments.kwargs)
    mask = options.pop("mask", None)
    arguments = [*node.arguments.args, options]
    inputs = tuple(one for one in keras.tree.flatten(arguments) if is_symbolic(one))
    return Step(history.operation, inputs, tuple(node.outputs), mask if is_symbolic(mask) else None)


def sources(tensor, ends: Sequence[Any]) -> list[Any]:
    """The tensors of `ends` that a tensor directly depends on.

    Model inputs count as `ends`. The search does not go beyond them.
    """
    known = {id(end) for end in ends}
    return [one for one in _ordered(tensor, known) if id(one) in known or step_of(one) is None]


def _ordered(tensor, ends: Container[int] = ()) -> Iterator[Any]:
    """Yields a tensor after all that it depends on, including masks; of `ends`, these alone.

    Without recursion, since graphs can be deeper than Python's stack.
    """
    seen: set[int] = set()
    left = [(tensor, False)]
    while left:
        one, is_ready = left.pop()
        if is_ready:
            yield one
        elif id(one) not in seen:
            seen.add(id(one))
            left.append((one, True))
            step = None if id(one) in ends else step_of(one)
            if step is not None:
                before = [*step.inputs, *([] if step.mask is None else [step.mask])]
                left += [(other, False) for other in reversed(before)]


def named(step: Step) -> str:
    """A layer's name and class, for errors."""
    return f"Layer {step.operation.name!r} ({type(step.operation).__name__})"


def batch_of(model: keras.Model) -> int | None:
    """The number of texts that a model takes at once, if it is fixed."""
    inputs = getattr(model, "inputs", None)
    return inputs[0].shape[0] if inputs else None


def is_symbolic(value: Any) -> bool:
    """Whether a value is a symbolic tensor."""
    return isinstance(value, keras.KerasTensor)


def masks_padding(model: keras.Model) -> bool:
    """Whether a layer of the model masks the id of padding."""
    graph = functional(model)
    tokens = graph.inputs[0]
    return any(
        step.mask is not None and tests_for_padding(step.mask, tokens) for step in steps(graph)
    )


def tests_for_padding(mask, tokens) -> bool:
    """Whether a symbolic mask is `tokens != padding`: what `Embedding(mask_zero=True)` gives."""
    history = mask._keras_history
    if type(history.operation).__name__ != "NotEqual":
        return False
    given = history.operation._inbound_nodes[history.node_index].arguments.args
    found = [value for value in given if value is not tokens]
    return len(given) == 2 and len(found) == 1 and _is_number(found[0], PAD_ID)


def _is_number(value: Any, number: int) -> bool:
    try:
        return not is_symbolic(value) and float(value) == number
    except (TypeError, ValueError):
        return False


def _is_functional(model: keras.Model) -> bool:
    """Whether the graph is the whole model: the class does not override `call`."""
    return hasattr(model, "inputs") and type(model).call is _functional_call()


@functools.cache
def _functional_call():
    """The `call` of functional models, whose class Keras does not export."""
    x = keras.Input((1,))
    return type(keras.Model(x, keras.layers.Identity()(x))).call


def _traced(model: keras.Model):
    """Inputs and outputs of a subclass, called on a symbolic tensor."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    try:
        outputs = model.call(tokens)
    except Exception as error:  # whatever a person's code raises
        raise UnsupportedModelError(
            f"Model {model.name!r} is a subclass ({type(model).__name__}) whose call cannot be "
            f"traced on token ids [batch, time]: {first_line(error)}. Write call with Keras layers "
            "and keras.ops, or build the model from keras.Input."
        ) from error
    flat = keras.tree.flatten(outputs)
    if not flat or not all(is_symbolic(tensor) for tensor in flat):
        raise UnsupportedModelError(
            f"Model {model.name!r} is a subclass ({type(model).__name__}) whose call returns no "
            "Keras tensors. Write it with Keras layers and keras.ops."
        )
    return [tokens], flat
