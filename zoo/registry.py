"""Registration of the user's cells in the catalogue: `zoo.register`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo import catalogue, pretrained
from zoo.catalogue import Family

if TYPE_CHECKING:
    import keras

PACKAGE = "birnn_zoo.registered"  # package of the registered classes in a model.keras
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME = 60  # characters; file names add more


@dataclass(frozen=True)
class OwnFamily(Family):
    """A row of the catalogue for a registered cell.

    Attributes:
        make: Creates a cell from its units.
        kind: The cell's class.
    """

    make: Callable[[int], keras.Layer] | None = None
    kind: type = object

    @property
    def gates(self) -> str:
        """Names of the gates of a `zoo.cells.Cell`; "–" for none."""
        return catalogue.gate_names(getattr(self.kind, "gates", ""))

    @property
    def equations(self) -> str:
        """The cell's docstring."""
        return inspect.cleandoc(self.kind.__doc__ or "") or "(its class has no docstring)"

    def layer(self, units: int, *, return_sequences: bool) -> keras.Layer:
        """A new layer with this cell, for one direction."""
        from zoo.layers import Recurrent

        assert self.make is not None
        return Recurrent(self.make(units), return_sequences=return_sequences)


def register(
    name: str,
    cell: Callable[[int], keras.Layer],
    *,
    title: str = "",
    source: str = "",
) -> None:
    """Adds a cell to the catalogue, in all sizes.

        class LeakyCell(zoo.cells.Cell):
            ...

        zoo.register("leaky-birnn", LeakyCell, title="leaky integrator")

    Then `zoo.create_model("leaky-birnn-small", ...)` and `zoo.list_models()` include it in this
    process. Commands include it with `--import MODULE`, if the module makes this call.

    The cell's class becomes serialisable by Keras, unless it is already decorated with
    `keras.saving.register_keras_serializable`. Arguments other than `units` must be in its
    `get_config`.

    The same class, or one with the same name and module, may be registered again under its name and
    replaces the other, as happens when a notebook cell is run twice.

    Args:
        name: Name of the model in its base size: lower-case letters and digits, joined by "-". The
            other sizes add "-medium", "-small" and "-tiny".
        cell: A class, such as a subclass of `zoo.cells.Cell`, or a function that passes more
            arguments to one. `cell(units)` must return a new cell for `keras.layers.RNN`, of any
            output width. `zoo.layers.Recurrent` runs one for each direction.
        title: A short description.
        source: The reference for its equations.

    Raises:
        ValueError: If the name is taken or invalid, or if `cell` does not return a cell.
    """
    example = _example(name, cell)
    kind = type(example)
    _check_name(name, kind)
    _make_serialisable(name, kind)
    catalogue.REGISTERED[name] = OwnFamily(
        cell=kind.__name__,
        title=title or kind.__name__,
        lowerings=_lowerings(example),
        source=source or f"registered by {kind.__module__}",
        make=cell,
        kind=kind,
    )


def _check_name(name: str, kind: type) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise ValueError(
            f"{name!r} cannot be the name of a model: file names begin with it, so give at most "
            f"{LONGEST_NAME} lower-case letters and digits joined by '-', such as 'leaky-birnn'."
        )
    for size in filter(None, catalogue.SIZES):
        if name == size or name.endswith(f"-{size}"):
            raise ValueError(
                f"{name!r} cannot be the name of a model: the catalogue adds '-{size}' for that "
                "size. Remove it."
            )
    if name in catalogue.FAMILIES or name in pretrained.names():
        raise ValueError(f"{name!r} is the name of a model of this package; give another.")
    before = catalogue.REGISTERED.get(name)
    if isinstance(before, OwnFamily) and not _is_same(before.kind, kind):
        raise ValueError(
            f"{name!r} is already the name of {before.kind.__module__}.{before.cell}; give another."
        )


def _is_same(one: type, other: type) -> bool:
    """Whether they are the same class, or the same one after its module was run again."""
    names = [(kind.__module__, kind.__qualname__) for kind in (one, other)]
    return names[0] == names[1]


def _example(name: str, cell: Callable[[int], keras.Layer]) -> keras.Layer:
    """A cell to inspect."""
    units = catalogue.SIZES["tiny"].hidden_dim
    if not callable(cell):
        raise ValueError(
            f"{name!r}: a {type(cell).__name__} is not a cell. Give the cell's class, or a "
            "function from units to a new cell."
        )
    called = getattr(cell, "__name__", type(cell).__name__)
    try:
        example = cell(units)
    except Exception as error:  # a user's class may raise anything
        raise ValueError(
            f"{name!r}: {called}({units}) raises {type(error).__name__}: {error}. It must be "
            "callable with the units alone, and return a new cell."
        ) from error
    import keras

    if isinstance(example, keras.layers.RNN) or not (
        isinstance(example, keras.Layer) and hasattr(example, "state_size")
    ):
        raise ValueError(
            f"{name!r}: {called}({units}) returns a {type(example).__name__}, which is not a cell: "
            "a cell is a keras.Layer for one time step, with state_size, such as a subclass of "
            "zoo.cells.Cell or keras.layers.LSTMCell."
        )
    return example


def _make_serialisable(name: str, kind: type) -> None:
    import keras

    decorated = keras.saving.get_registered_name(kind) != kind.__name__
    if decorated or kind.__module__.partition(".")[0] == "keras":
        return
    other = keras.saving.get_registered_object(f"{PACKAGE}>{kind.__name__}")
    if other is not None and not _is_same(other, kind):
        raise ValueError(
            f"{name!r}: {other.__module__}.{other.__qualname__} is already registered, and a saved "
            f"model identifies cells by class name. Rename the class {kind.__name__}."
        )
    keras.saving.register_keras_serializable(PACKAGE)(kind)


def _lowerings(cell: keras.Layer) -> str:
    """The lowerings of `python -m export`: those of the equivalent zoo cell, if there is one."""
    from zoo import cells

    kind = cells.counterpart(cell)
    for family in catalogue.FAMILIES.values():
        if kind is getattr(cells, family.cell):
            return family.lowerings
    return catalogue.PARALLEL if isinstance(cell, cells.LinearCell) else catalogue.LOOP
