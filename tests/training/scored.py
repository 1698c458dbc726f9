"""Data and settings of small runs for several labels and for numbers."""

import json
import random

GENRES = {
    "comedy": ["funny", "witty", "jokes"],
    "crime": ["murder", "heist", "police"],
    "drama": ["tears", "grief", "sorrow"],
}
FILLERS = ["the", "a", "film", "was", "it", "and", "quite", "story", "of", "this"]


def rows(count, seed=0):
    """Texts and their labels, which words of the texts tell; a third of the texts has none."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        labels = [] if number % 3 == 0 else rng.sample(sorted(GENRES), rng.randint(1, 2))
        words = rng.choices(FILLERS, k=rng.randint(1, 6))
        for label in labels:
            words.insert(rng.randrange(len(words) + 1), rng.choice(GENRES[label]))
        found.append((f"{' '.join(words)} {number}", sorted(labels)))
    return found


def number_of(labels):
    """What the labels of a text add up to, far from the mean 0 and the deviation 1."""
    return 500.0 + 40 * ("comedy" in labels) - 25 * ("crime" in labels)


def write_labels(path, count=96):
    """A .csv of several labels in a cell, with | between."""
    lines = [f"{text},{'|'.join(labels)}" for text, labels in rows(count)]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return path


def write_lists(path, count=96):
    """The same rows as lists in JSON."""
    lines = [json.dumps({"text": text, "label": labels}) for text, labels in rows(count)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_numbers(path, count=96):
    """A .csv of numbers in a column `price`."""
    lines = [f"{text},{number_of(labels)}" for text, labels in rows(count)]
    path.write_text("\n".join(["text,price", *lines]) + "\n")
    return path


# Settings of `TrainingConfig`, but for the data set.
SMALL = {
    "model": "bilstm-tiny",
    "embed_dim": 8,
    "hidden_dim": 8,
    "batch_size": 16,
    "max_length": 12,
    "epochs": 3,
    "seed": 3,
    "learning_rate": 0.02,
    "mixed_precision": False,
}
LABELS = SMALL | {"label_separator": "|"}
NUMBERS = SMALL | {"scores": "numbers", "label_column": "price"}
