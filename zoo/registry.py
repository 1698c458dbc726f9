"""Adds users' cells to the catalogue: `zoo.register`."""

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

PACKAGE = "birnn_zoo.registered"  # the package of registered classes in .keras files
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME = 60  # characters; file names add more


@dataclass(frozen=True)
class OwnFamily(Family):
    """The row of a registered cell.

    Attributes:
        make: Creates a cell of the given number of units.
        kind: The cell's class.
    """

    make: Callable[[int], keras.Layer] | None = None
    kind: type = object

    @property
    def gates(self) -> str:
        """Names of its gates, if it is a `zoo.cells.Cell`; "–" for none."""
        return catalogue.gate_names(getattr(self.kind, "gates", ""))

    @property
    def equations(self) -> str:
        """The cell's docstring."""
        return inspect.cleandoc(self.kind.__doc__ or "") or "(its class has no docstring)"

    def layer(self, units: int, *, return_sequences: bool) -> keras.Layer:
        """Creates a layer of one direction."""
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
    """Adds your cell to the catalogue, in all sizes.

        class LeakyCell(zoo.cells.Cell):
            ...

        zoo.register("leaky-birnn", LeakyCell, title="leaky integrator")

    In this process, `zoo.create_model("leaky-birnn-small", ...)` and `zoo.list_models()` then know
    it. For commands, pass the module that makes this call with `--import MODULE`.

    The cell's class is registered as serialisable with Keras, unless it already is
    (`keras.saving.register_keras_serializable`). Arguments other than `units` must be in its
    `get_config`.

    Registering a class of the same name and module again replaces it, as when a notebook cell is
    run twice.

    Args:
        name: Name of the model in base size: lower-case letters and digits, joined by "-". Other
            sizes add "-medium", "-small" and "-tiny".
        cell: A class or function such that `cell(units)` is a cell for `keras.layers.RNN`, for
            example a subclass of `zoo.cells.Cell`. `zoo.layers.Recurrent` runs it, one per
            direction.
        title: What it is, in a few words.
        source: Where its equations come from.

    Raises:
        ValueError: If the name is taken or invalid, or `cell` does not create a cell.
    """
    made = _made(name, cell)
    kind = type(made)
    _check_name(name, kind)
    _make_serialisable(name, kind)
    catalogue.REGISTERED[name] = OwnFamily(
        cell=kind.__name__,
        title=title or kind.__name__,
        lowerings=_lowerings(made),
        source=source or f"registered by {kind.__module__}",
        make=cell,
        kind=kind,
    )


def _check_name(name: str, kind: type) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise ValueError(
            f"{name!r} cannot be the name of a model: it is the beginning of file names, so give "
            f"lower-case letters and digits joined by '-', {LONGEST_NAME} at most, such as "
            "'leaky-birnn'."
        )
    for size in filter(None, catalogue.SIZES):
        if name == size or name.endswith(f"-{size}"):
            raise ValueError(
                f"{name!r} cannot be the name of a model: '-{size}' is what the catalogue adds "
                "for a size. Leave it out."
            )
    if name in catalogue.FAMILIES or name in pretrained.names():
        raise ValueError(f"{name!r} is the name of a model of the package; give another.")
    before = catalogue.REGISTERED.get(name)
    if isinstance(before, OwnFamily) and not _is_same(before.kind, kind):
        raise ValueError(
            f"{name!r} is the name of {before.kind.__module__}.{before.cell} already; give another."
        )


def _is_same(one: type, other: type) -> bool:
    """Whether two classes are the same, possibly from a module that was run twice."""
    names = [(kind.__module__, kind.__qualname__) for kind in (one, other)]
    return names[0] == names[1]


def _made(name: str, cell: Callable[[int], keras.Layer]) -> keras.Layer:
    """Creates a cell to check it."""
    units = catalogue.SIZES["tiny"].hidden_dim
    if not callable(cell):
        raise ValueError(
            f"{name!r}: a {type(cell).__name__} is no cell. Give the cell's class, or a function "
            "from units to a new cell."
        )
    called = getattr(cell, "__name__", type(cell).__name__)
    try:
        made = cell(units)
    except Exception as error:  # a user's class may raise anything
        raise ValueError(
            f"{name!r}: {called}({units}) raises {type(error).__name__}: {error}. What is "
            "registered is called with the units alone, and returns a new cell."
        ) from error
    import keras

    if isinstance(made, keras.layers.RNN) or not (
        isinstance(made, keras.Layer) and hasattr(made, "state_size")
    ):
        raise ValueError(
            f"{name!r}: {called}({units}) gives a {type(made).__name__}, which is no cell: a cell "
            "is a keras.Layer for one time step, with state_size, such as a subclass of "
            "zoo.cells.Cell or keras.layers.LSTMCell."
        )
    return made


def _make_serialisable(name: str, kind: type) -> None:
    import keras

    decorated = keras.saving.get_registered_name(kind) != kind.__name__
    if decorated or kind.__module__.partition(".")[0] == "keras":
        return
    other = keras.saving.get_registered_object(f"{PACKAGE}>{kind.__name__}")
    if other is not None and not _is_same(other, kind):
        raise ValueError(
            f"{name!r}: {other.__module__}.{other.__qualname__} is registered already, and a saved "
            f"model tells cells by the names of their classes. Rename the class {kind.__name__}."
        )
    keras.saving.register_keras_serializable(PACKAGE)(kind)


def _lowerings(cell: keras.Layer) -> str:
    """The lowerings of a cell: those of the zoo's cell of the same class, if there is one."""
    from zoo import cells

    kind = cells.counterpart(cell)
    for family in catalogue.FAMILIES.values():
        if kind is getattr(cells, family.cell):
            return family.lowerings
    return catalogue.PARALLEL if isinstance(cell, cells.LinearCell) else catalogue.LOOP
