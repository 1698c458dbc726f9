"""What is timed: models, lengths of texts, numbers of units."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A model, and the texts that it answers.

    Attributes:
        family: A family of the catalogue. The model has the textbook size, except for `units`.
        units: Of a direction of a layer.
        max_length: L, the number of ids of a file's input.
        words: Lengths of the texts, without padding; empty for `max_length` alone.
        threads: Numbers of threads to time with.
    """

    family: str
    units: int = 256
    max_length: int = 100
    words: tuple[int, ...] = ()
    threads: tuple[int, ...] = (1,)


# By the name of the part of the table.
CASES = {
    "models": [Case(family, threads=(1, 2)) for family in ("bilstm", "bigru", "peephole-bilstm")],
    "max_length": [Case("bilstm", max_length=length) for length in (32, 100, 400)],
    "units": [Case("bilstm", units=units) for units in (64, 128, 256, 512)],
    "words": [
        Case(family, max_length=256, words=(20, 64, 128, 256)) for family in ("bilstm", "bigru")
    ],
}
