"""Splits of a data set: label ids, rows held out of train, and the limit on training rows."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo import kinds
from zoo.kinds import Kind, Label

TEST_FRACTION = 0.1


class DatasetError(ValueError):
    """A data set that cannot be read or is invalid; the message names the remedy."""


@dataclass(frozen=True, eq=False)
class Split:
    """One split of a data set: n texts, and the truth about them (see `zoo.kinds.Kind`).

    That is their label ids, int32 [n]; of several labels, 1 for each label that a text has and else
    0, int32 [n, labels]; or numbers, float64 [n, numbers].
    """

    texts: list[str]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled texts in three splits.

    Attributes:
        name: Name of the data set.
        labels: Names of the labels or numbers, by id.
        train, valid, test: The splits.
        source: JSON-serialisable record of what was read and how the splits were made.
        scores: What the labels are for, of `zoo.kinds.KINDS`.
    """

    name: str
    labels: tuple[str, ...]
    train: Split
    valid: Split
    test: Split
    source: dict
    scores: str = "softmax"

    @property
    def kind(self) -> Kind:
        """The rules of `scores`."""
        return kinds.find(self.scores)


@dataclass(frozen=True, eq=False)
class Rows:
    """Labelled texts as read, before labels have ids; `where(i)` describes where row i is."""

    texts: list[str]
    labels: Sequence[Label]
    where: Callable[[int], str]


@dataclass(frozen=True, eq=False)
class Parts:
    """The result of a reader.

    Attributes:
        name: Name of the data set.
        rows: Rows by split: "train", and "valid" and "test" if the source has them.
        labels: Names by id if the source defines them; None for the sorted labels of train.
        source: JSON-serialisable record of what was read; its "path" is the user's argument.
        scores: What the labels are for, of `zoo.kinds.KINDS`.
    """

    name: str
    rows: Mapping[str, Rows]
    labels: tuple[str, ...] | None
    source: dict
    scores: str = "softmax"


def assemble(parts: Parts, *, seed: int, valid_fraction: float, limit: int | None) -> Dataset:
    """Assigns label ids, holds out the missing splits, and applies the limit.

    Raises:
        DatasetError: If train has fewer than two labels (of several labels, none), another split
            has a label that train lacks, or a label has too few texts to hold some out.
    """
    train, where, kind = parts.rows["train"], parts.source["path"], kinds.find(parts.scores)
    one_label = parts.scores == "softmax"
    present = _present(train, parts)
    if one_label and len(present) < 2:
        raise DatasetError(
            f"{where}: train has only one label, {train.labels[0]!r}; "
            "a classifier needs at least two. Add rows with another label."
        )
    if not present:
        raise DatasetError(f"{where}: no text of train has a label. Add rows with labels.")
    names = parts.labels or tuple(sorted(present))
    splits = {part: _encode(part, rows, names, kind) for part, rows in parts.rows.items()}

    fractions = {"test": TEST_FRACTION, "valid": valid_fraction}
    fractions = {part: size for part, size in fractions.items() if part not in splits}
    if fractions:
        others = [text for part in splits if part != "train" for text in splits[part].texts]
        drawn, drawn_names = splits["train"], names
        if not one_label:  # drawn by the texts alone, as if all had one label
            drawn, drawn_names = Split(drawn.texts, np.zeros(len(drawn), np.int32)), ()
        chosen = hold_out(drawn, fractions, names=drawn_names, seed=seed, avoid=others, where=where)
        splits |= {part: _pick(splits["train"], rows) for part, rows in chosen.items()}
    if limit is not None and limit < len(splits["train"]):
        order = np.random.default_rng(seed).permutation(len(splits["train"]))
        splits["train"] = _pick(splits["train"], order[:limit])

    source = parts.source | {
        "held_out": fractions,
        "seed": seed,
        "limit": limit,
        "rows": {part: len(splits[part]) for part in ("train", "valid", "test")},
    }
    if not one_label:
        source["scores"] = parts.scores
    return Dataset(
        parts.name, names, splits["train"], splits["valid"], splits["test"], source, parts.scores
    )


def _present(train: Rows, parts: Parts) -> set[str]:
    """The names of the labels of train, or of its numbers."""
    if parts.scores == "numbers":
        return set(parts.labels or ())
    if parts.scores == "softmax":
        return {str(label) for label in train.labels}
    return {str(label) for own in train.labels for label in own}


def hold_out(
    train: Split,
    fractions: Mapping[str, float],
    *,
    names: Sequence[str],
    seed: int,
    where: str,
    avoid: Iterable[str] = (),
) -> dict[str, np.ndarray]:
    """Draws the rows of each new split, label by label; without `names`, all have one label.

    Equal texts (see `text_key`) stay in one split. They are drawn in the order of a hash, so the
    order of the rows does not matter. "test" is drawn without the seed: a model trained with one
    seed and evaluated with another must not be tested on its own training rows. Texts equal to one
    in `avoid` stay in train, so that no new overlap arises.

    Returns:
        Row numbers by split, including the rest as "train".

    Raises:
        DatasetError: If a label of train has too few different texts for every split to get one.
    """
    groups: dict[bytes, list[int]] = {}
    for row, text in enumerate(train.texts):
        groups.setdefault(text_key(text), []).append(row)
    by_label = _by_label(groups, train.labels)
    avoided = {text_key(text) for text in avoid}
    free = {label: [k for k in keys if k not in avoided] for label, keys in by_label.items()}
    _check_enough(by_label, free, fractions, names, where)

    chosen: dict[str, list[int]] = {part: [] for part in fractions}
    for label, keys in by_label.items():
        size = sum(len(groups[key]) for key in keys)
        spare, left, later = free[label], len(keys), len(fractions)
        for part, fraction in fractions.items():
            later -= 1
            salt = b"test" if part == "test" else f"{part} {seed}".encode()
            taken = _draw(
                {key: len(groups[key]) for key in sorted(spare, key=_salted(salt))},
                rows=round(fraction * size),
                # Each later split needs a text, and so does train.
                most=min(len(spare) - later, left - later - 1),
            )
            chosen[part] += [row for key in taken for row in groups[key]]
            spare, left = [key for key in spare if key not in taken], left - len(taken)
    held = {part: np.sort(rows) for part, rows in chosen.items()}
    rest = np.setdiff1d(np.arange(len(train)), np.concatenate(list(held.values())))
    return {"train": rest} | held


def _by_label(groups: Mapping[bytes, list[int]], labels: np.ndarray) -> dict[int, list[bytes]]:
    """The groups of each label; a group with several labels counts for the most frequent."""
    result: dict[int, list[bytes]] = {label: [] for label in np.unique(labels).tolist()}
    for key, rows in groups.items():
        counts = Counter(labels[rows].tolist())
        result[min(counts, key=lambda label: (-counts[label], label))].append(key)
    return result


def _check_enough(
    by_label: Mapping[int, list[bytes]],
    free: Mapping[int, list[bytes]],
    parts: Iterable[str],
    names: Sequence[str],
    where: str,
) -> None:
    new = list(parts)
    lacking = [
        label
        for label, keys in by_label.items()
        if len(keys) <= len(new) or len(free[label]) < len(new)
    ]
    if lacking and not names:
        raise DatasetError(
            f"{where}: too few rows to hold out {' and '.join(new)}: train needs at least "
            f"{len(new) + 1} different texts (letter case and punctuation aside; texts that also "
            f"occur in another split do not count), but has {len(free[lacking[0]])}. Add rows, or "
            f"provide {' and '.join(new)} rows yourself."
        )
    short = [f"{names[label]!r} has {len(free[label])}" for label in lacking]
    if short:
        raise DatasetError(
            f"{where}: too few rows to hold out {' and '.join(new)}: each label needs at least "
            f"{len(new) + 1} different texts in train (letter case and punctuation aside; texts "
            f"that also occur in another split do not count), but {', '.join(short[:5])}"
            f"{f' (and {len(short) - 5} more labels)' if len(short) > 5 else ''}. Add rows, merge "
            f"or remove such labels, or provide {' and '.join(new)} rows yourself."
        )


def text_key(text: str) -> bytes:
    """SHA-256 of a text's letters and digits, case folded; of the whole text if it has none."""
    folded = text.casefold()
    key = "".join(filter(str.isalnum, folded)) or folded.strip()
    return hashlib.sha256(key.encode()).digest()


def _salted(salt: bytes) -> Callable[[bytes], bytes]:
    return lambda key: hashlib.sha256(salt + key).digest()


def _draw(sizes: Mapping[bytes, int], *, rows: int, most: int) -> set[bytes]:
    """Takes keys in order while their sizes fit into `rows`: at least one, at most `most`."""
    taken: set[bytes] = set()
    for key, size in sizes.items():
        if size <= rows and len(taken) < most:
            taken.add(key)
            rows -= size
    return taken or {min(sizes, key=sizes.__getitem__)}


def _encode(part: str, rows: Rows, names: Sequence[str], kind: Kind) -> Split:
    known = set(names)
    if kind.misfit(rows.labels, known):
        misfits = ((i, kind.misfit([label], known)) for i, label in enumerate(rows.labels))
        row, label = next((i, found) for i, found in misfits if found)
        raise DatasetError(
            f"{rows.where(row)}: the label {label!r} of {part} does not occur in train, so no "
            "model can learn it. Add training rows with it, or leave those rows out."
        )
    return Split(rows.texts, kind.encode(rows.labels, names))


def _pick(split: Split, rows: np.ndarray) -> Split:
    return Split([split.texts[row] for row in rows], split.labels[rows])
