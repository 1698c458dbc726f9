"""Learns a vocabulary of word pieces from texts.

The vocabulary holds the frequent words of the training texts whole, and pieces for all others. The
tokenizer takes the longest piece first, so it reads a word whole if the vocabulary has it.
"""

import importlib.util
from collections import Counter
from collections.abc import Iterable

from zoo.wordpiece import (
    CONTINUATION,
    LONGEST_TOKEN,
    SPECIAL,
    UNKNOWN,
    Pieces,
    WordPieceTokenizer,
    words,
)

LEAST = 8  # pieces of a vocabulary
SEEN = 2  # times that a word has to occur to be kept whole
# A part of words is learnt if it occurs so often that its embedding can be, too: once in so many
# words, or so many times where there are many.
PART_SHARE, PART_SEEN = 1000, 50
ASCII = [chr(code) for code in range(0x21, 0x7F) if not chr(code).isupper()]


def require() -> None:
    """Raises `ValueError` if `tokenizers`, which learns the pieces, is not installed."""
    if importlib.util.find_spec("tokenizers") is None:
        raise ValueError(
            "Word pieces are learnt with the package tokenizers, which is not installed; install "
            "it with: pip install '.[wordpiece]'"
        )


def learn(texts: Iterable[str], *, size: int, share: float = 0.25) -> Pieces:
    """Learns the pieces of the training texts. The same texts give the same pieces.

    They are, in the order of their ids: the special pieces; single characters, so that a word of
    known characters is never unknown; frequent words, by falling count; and frequent parts of
    words, learnt by merging pairs (Schuster & Nakajima, "Japanese and Korean voice search", ICASSP
    2012; as in the `tokenizers` library).

    Args:
        texts: The training texts.
        size: Pieces in all.
        share: The fraction of them, without characters, that is learnt as parts of words.

    Raises:
        ValueError: If `size` is below `LEAST`, or `tokenizers` is not installed.
    """
    if size < LEAST:
        raise ValueError(f"{size} pieces are too few; take {LEAST} or more")
    require()
    counts = _counted(texts)
    found = dict.fromkeys(SPECIAL)
    for character in _characters(counts, (size - len(found)) // 2):
        found[character] = None
    room = size - len(found)
    parts = [part for part in _merged(counts, len(found) + room) if part not in found]
    learnt = parts[: int(room * share)]
    frequent = sorted(counts, key=lambda word: (-counts[word], word))
    whole = [word for word in frequent if counts[word] >= SEEN and word not in found]
    # Where the words run out, more parts take their place.
    chosen = list(dict.fromkeys([*learnt, *whole, *parts]))[:room]
    place = {word: number for number, word in enumerate(frequent)}
    ordered = sorted(chosen, key=lambda piece: place.get(piece, len(place)))
    return Pieces([*found, *ordered])


def pruned(known: Iterable[str], texts: Iterable[str], *, size: int) -> Pieces:
    """The pieces of another vocabulary that matter for these texts.

    They are, in the order of their ids: the special pieces; single characters, as of `learn`; the
    pieces that the texts are read by, by falling count; and other pieces in their own order, which
    is that of frequency in BERT's vocabulary. The texts are read by the same pieces as with the
    whole vocabulary, if `size` suffices.

    Args:
        known: The other vocabulary.
        texts: The training texts.
        size: Pieces in all.
    """
    known = list(known)
    counts = _counted(texts)
    whole = WordPieceTokenizer(Pieces([*SPECIAL, *known]), LONGEST_TOKEN)
    used: Counter[str] = Counter()
    for word, count in counts.items():
        for piece in whole.split(word):
            used[piece] += count
    del used[UNKNOWN]
    found = dict.fromkeys(SPECIAL)
    for character in _characters(counts, (size - len(found)) // 2):
        found[character] = None
    by_count = sorted(used, key=lambda piece: (-used[piece], piece))
    for piece in [*by_count, *known]:
        if len(found) == size:
            break
        found[piece] = None
    return Pieces(found)


def _counted(texts: Iterable[str]) -> Counter[str]:
    """The words of the texts that pieces can stand for, and how often they occur."""
    return Counter(
        word
        for text in texts
        for word in words(text)
        if len(word.encode()) <= LONGEST_TOKEN and word.isprintable()
    )


def _characters(counts: Counter[str], most: int) -> list[str]:
    """Single characters, at the beginning and inside of words; frequent ones if there are many."""
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        characters[word[0]] += count
        for character in word[1:]:
            characters[CONTINUATION + character] += count
    for character in ASCII:  # those that the texts lack come last
        characters[character] += 0
        if character.isalnum():
            characters[CONTINUATION + character] += 0
    return sorted(characters, key=lambda piece: (-characters[piece], piece))[:most]


def _merged(counts: Counter[str], size: int) -> list[str]:
    """Frequent parts of words, in the order in which they are merged."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    inside = {CONTINUATION + character for word in counts for character in word[1:]}
    learner = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    learner.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min(max(counts.total() // PART_SHARE, SEEN), PART_SEEN),
        # Ties are broken by ids, which are drawn at random for all but these.
        special_tokens=sorted(inside),
        continuing_subword_prefix=CONTINUATION,
        show_progress=False,
    )
    repeated = (" ".join([word] * counts[word]) for word in sorted(counts))
    learner.train_from_iterator(repeated, trainer)
    found = learner.get_vocab()
    return sorted(found, key=lambda piece: found[piece])
