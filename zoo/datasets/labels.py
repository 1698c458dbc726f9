"""The labels of a source: read from cells and JSON values, as one label, several, or numbers."""

import re
from collections.abc import Sequence

from zoo.datasets.split import DatasetError
from zoo.kinds import KINDS, Label

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Labels that are all numbers are taken for a regression's where there are more different ones than
# this: fractions, or integers with few texts each.
MOST_FRACTIONS, MOST_INTEGERS, TEXTS_EACH = 10, 20, 5


def check(scores: str | None, separator: str | None) -> None:
    """Raises `ValueError` if labels cannot be read in this way; see `LabelReader`."""
    if scores not in (None, *KINDS):
        raise ValueError(f"--scores must be one of {', '.join(KINDS)}, not {scores!r:.60}.")
    if separator is not None and not separator:
        raise ValueError(
            "--label-separator is empty; it must be what stands between the labels of a text, for "
            "example '|'."
        )
    if separator is not None and scores in ("softmax", "numbers"):
        what = "one label" if scores == "softmax" else "one number in a cell"
        raise ValueError(
            f"--label-separator is for several labels of a text, and with --scores {scores} a text "
            f"has {what}; leave out one of the two."
        )


class LabelReader:
    """Reads the labels of all rows of a source in the same way.

    Args:
        scores: The kind of scores that the labels are for, of `zoo.kinds.KINDS`. By default,
            `sigmoid` with a separator or if the first label is a list, else `softmax`.
        separator: What stands between several labels in a string.

    Attributes:
        kind: The kind of scores; None before the first label if nothing determines it.

    Raises:
        ValueError: If the arguments contradict.
    """

    def __init__(self, scores: str | None = None, separator: str | None = None):
        check(scores, separator)
        self.asked, self.separator = scores, separator
        self.kind = scores or ("sigmoid" if separator else None)
        self._by_list: bool | None = None  # whether labels are lists, where they determine the kind
        self._width: int | None = None  # how many numbers a text has

    def read(self, where: str, value: object, what: str = "the label") -> Label:
        """Reads a label.

        Args:
            where: Where it stands, for errors.
            value: A string, or of JSON a boolean, a number or a list.
            what: Its name, for errors.

        Raises:
            DatasetError: If it is not a label of this kind.
        """
        if self.kind is None:
            self._by_list = isinstance(value, list)
            self.kind = "sigmoid" if self._by_list else "softmax"
        if self._by_list not in (None, isinstance(value, list)):
            one, other = ("a list", "no list") if self._by_list else ("no list", "a list")
            raise DatasetError(
                f"{where}: {what} is {other}, and those before are {one}. Make all of them lists "
                "if a text may have several labels."
            )
        if self.kind == "numbers":
            return self._numbers(where, value, what)
        if self.kind == "sigmoid":
            return self._several(where, value, what)
        if isinstance(value, list):
            raise DatasetError(
                f"{where}: {what} is a list; with --scores softmax, a text has one label. Leave "
                "--scores out for several labels."
            )
        return _spelled(f"{where}: {what}", value)

    def _several(self, where: str, value: object, what: str) -> tuple[str, ...]:
        if isinstance(value, list):
            found = [_spelled(f"{where}: {what}", one) for one in value]
            if "" in found:
                raise DatasetError(
                    f"{where}: {what} holds an empty label. Remove it; no label is an empty list."
                )
        else:
            text = _spelled(f"{where}: {what}", value)
            pieces = text.split(self.separator) if self.separator else [text]
            found = [piece.strip() for piece in pieces if piece.strip()]
        return tuple(dict.fromkeys(found))

    def _numbers(self, where: str, value: object, what: str) -> tuple[float, ...]:
        values = value if isinstance(value, list) else [value]
        found = tuple(_number(f"{where}: {what}", one) for one in values)
        self._width = self._width or len(found)
        if not found or len(found) != self._width:
            raise DatasetError(
                f"{where}: {what} has {len(found)} numbers, and those before have {self._width}. "
                "Every text needs equally many, at least one."
            )
        return found

    def names(self, column: str) -> tuple[str, ...] | None:
        """Names of the numbers, after the column; None for labels, which have their own."""
        if self.kind != "numbers":
            return None
        name = " ".join(column.split())
        width = self._width or 1
        return (name,) if width == 1 else tuple(f"{name} {n}" for n in range(1, width + 1))

    def check_all(self, where: str, labels: Sequence[Label]) -> None:
        """Refuses numbers that nobody said are labels, if they look like those of a regression.

        Raises:
            DatasetError: If they do.
        """
        if self.asked is not None or self.kind != "softmax":
            return
        different = {str(label) for label in labels}
        if not are_numbers(different):
            return
        fractions = any(not float(one).is_integer() for one in different)
        few = len(different) * TEXTS_EACH > len(labels)
        if len(different) > (MOST_FRACTIONS if fractions else MOST_INTEGERS) and (fractions or few):
            raise DatasetError(
                f"{where}: the labels are {len(different):,} different numbers. Give --scores "
                "numbers to predict a number, or --scores softmax if each is a label of its own."
            )


def are_numbers(labels: Sequence[str] | set[str]) -> bool:
    """Whether all labels are numbers."""
    return all(NUMBER.fullmatch(label) for label in labels)


def _spelled(what: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()  # as JSON has it
    if isinstance(value, str | int):
        return str(value).strip()
    hint = ""
    if isinstance(value, float):
        hint = " To predict numbers, give --scores numbers."
    raise DatasetError(
        f"{what} is {kind_of(value)}; a label must be a string, an integer or a boolean.{hint}"
    )


def _number(what: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    else:
        text = value.strip() if isinstance(value, str) else ""
        if not NUMBER.fullmatch(text):
            shown = repr(value) if isinstance(value, str) else kind_of(value)
            raise DatasetError(
                f"{what} is {shown:.60}; with --scores numbers it must be a number, with "
                "a point for decimals and no unit. Fix the row, or remove it."
            )
        found = float(text)
    if abs(found) > 1e30 or found != found:
        raise DatasetError(
            f"{what} is {found}; numbers must be finite and below 1e30. Fix the row, or remove it."
        )
    return found


def kind_of(value: object) -> str:
    """What a JSON value is, for errors."""
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "a number")
