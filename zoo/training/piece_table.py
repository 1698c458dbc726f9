"""The table of embeddings of a pretrained transformer, as word vectors.

A folder as Hugging Face Transformers writes it for BERT and its kin: `vocab.txt`, one piece per
line, and the weights as `model.safetensors` or `pytorch_model.bin`.
"""

from pathlib import Path
from typing import Any

import numpy as np

TABLE = "word_embeddings.weight"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
UNUSED = "["  # begins special pieces, such as [unused1], which stand for no text


def check(folder: Path) -> Path:
    """The file of the weights.

    Raises:
        ValueError: If the vocabulary or the weights are missing.
    """
    vocabulary = folder / "vocab.txt"
    if not vocabulary.is_file():
        raise ValueError(
            f"{folder} holds no vocab.txt. Give the folder of a transformer with word pieces, such "
            "as BERT's, or a text file of word vectors, as GloVe's."
        )
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{folder} holds no weights: neither {' nor '.join(WEIGHTS)}.")


def read(folder: Path) -> tuple[dict[str, int], np.ndarray]:
    """Reads the pieces that stand for text, and their embeddings.

    Returns:
        Piece -> row, in the order of the file, and float32 [pieces, width].

    Raises:
        ValueError: If a file is missing or damaged, or they do not fit each other.
    """
    from zoo.torch_state import read_state_dict

    path = check(folder)
    weights = read_state_dict(path)
    names = [name for name in weights if name.endswith(TABLE)]
    if len(names) != 1:
        raise ValueError(
            f"{path} has {len(names)} weights whose names end in {TABLE!r}; one table of "
            "embeddings is needed, as in BERT."
        )
    table: Any = weights[names[0]]
    table = np.asarray(table.float() if hasattr(table, "float") else table, np.float32)
    pieces = (folder / "vocab.txt").read_bytes().decode("utf-8", "replace").split("\n")
    pieces = [piece.removesuffix("\r") for piece in pieces]
    if pieces and not pieces[-1]:
        pieces.pop()
    if len(pieces) > len(table):
        raise ValueError(
            f"{folder / 'vocab.txt'} has {len(pieces):,} pieces and {path.name} {len(table):,} "
            "embeddings; they belong to different models."
        )
    kept: dict[str, int] = {}
    for place, piece in enumerate(pieces):
        special = piece.startswith(UNUSED) and piece.endswith("]") and len(piece) > 2
        if piece and not special:
            kept.setdefault(piece, place)
    return {piece: row for row, piece in enumerate(kept)}, table[list(kept.values())]
