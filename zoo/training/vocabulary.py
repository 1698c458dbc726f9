"""Fits the tokenizer of a run to its training texts."""

from collections.abc import Sequence

from zoo import pieces
from zoo.bundle import Bundle
from zoo.text import DELIMITER, LONGEST_TEXT, Tokenizer, Vocabulary
from zoo.tokenizers import KINDS, AnyTokenizer
from zoo.training.config import TrainingConfig
from zoo.training.vectors import WordVectors
from zoo.wordpiece import Pieces, WordPieceTokenizer


def fit(
    config: TrainingConfig,
    texts: Sequence[str],
    start: Bundle | None,
    vectors: WordVectors | None,
) -> AnyTokenizer:
    """Makes a tokenizer for texts of any length.

    The tokens of the training texts come first, then those of the initial model or of the vectors,
    up to `config.vocab_size`.

    Args:
        config: The settings.
        texts: The training texts.
        start: The initial model, or None.
        vectors: Initial word vectors, or None.

    Raises:
        ValueError: If the initial model has a tokenizer of another kind.
    """
    kind = config.tokenizer or (start.tokenizer.kind if start else KINDS[0])
    if start and start.tokenizer.kind != kind:
        raise ValueError(
            f"{config.init} was trained with --tokenizer {start.tokenizer.kind}, not {kind}, and "
            "keeps its tokenizer. Leave --tokenizer out."
        )
    if kind == WordPieceTokenizer.kind:
        return WordPieceTokenizer(_pieces(config.vocab_size, texts, start, vectors), LONGEST_TEXT)
    delimiter = start.tokenizer.options["delimiter"] if start else DELIMITER
    words = _words(config.vocab_size, texts, delimiter, start, vectors)
    return Tokenizer(words, LONGEST_TEXT, delimiter)


def _pieces(
    size: int, texts: Sequence[str], start: Bundle | None, vectors: WordVectors | None
) -> Pieces:
    if vectors and vectors.of_pieces:
        return pieces.pruned(vectors.places, texts, size=size)
    found = pieces.learn(texts, size=size)
    if start:
        found = found.extended(start.tokenizer.vocabulary, size=size)
    if vectors:
        found = found.extended(vectors.places, size=size)
    return found


def _words(
    size: int,
    texts: Sequence[str],
    delimiter: str,
    start: Bundle | None,
    vectors: WordVectors | None,
) -> Vocabulary:
    found = Vocabulary.from_texts(texts, size=size, delimiter=delimiter)
    if start:
        found = found.extended(start.tokenizer.vocabulary, size=size)
    if vectors:
        known = Vocabulary.from_words(vectors.places, size=size, delimiter=delimiter)
        found = found.extended(known, size=size)
    return found
