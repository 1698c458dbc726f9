"""What is timed: models, lengths, widths."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A model and the texts that it is asked.

    Attributes:
        family: A family of the catalogue; its two layers read embeddings of 300 of 25,000 words.
        units: Width of a direction.
        max_length: L, the number of ids of a file's input.
        words: Lengths of the texts.
        threads: Numbers of threads.
    """

    family: str
    units: int = 256
    max_length: int = 100
    words: tuple[int, ...] = ()
    threads: tuple[int, ...] = (1,)


STUDIES = {
    # The lessons' model.
    "models": [Case(family, threads=(1, 2)) for family in ("bilstm", "bigru", "peephole-bilstm")],
    "max_length": [Case("bilstm", max_length=length) for length in (32, 100, 400)],
    "units": [Case("bilstm", units=units) for units in (64, 128, 256, 512)],
    "words": [
        Case(family, max_length=256, words=(20, 64, 128, 256)) for family in ("bilstm", "bigru")
    ],
}
