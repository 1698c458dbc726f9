"""Batches of texts of similar length."""

import math

import keras
import numpy as np

from zoo.text import PAD_ID, lengths

ROUND_TO = 32  # time steps; batch lengths are multiples of it, so that a compiler sees few shapes
POOL = 50  # batches that are sorted by length together: enough to pad little, mixed enough to learn


class Batches(keras.utils.PyDataset):
    """Batches that are padded to their own longest text only.

    Args:
        ids: int32 [texts, time], padded on the right.
        labels: int32 [texts].
        batch_size: Texts in a batch; the last one may hold fewer.
        seed: Shuffles texts and batches, differently in each epoch and the same in each run;
            None keeps a fixed order, by length.
        epoch: Number of the first epoch, for a run that is resumed.
        word_dropout: Share of the words that are replaced by `unknown`, drawn anew in each epoch.
            The model then depends less on single words, and learns to handle unknown ones.
        unknown: The id of unknown words; lower ids are special and never replaced.
    """

    def __init__(self, ids, labels, batch_size, *, seed=None, epoch=0, word_dropout=0.0, unknown=0):
        super().__init__()
        self.ids, self.labels = ids, labels
        self.batch_size, self.seed, self.epoch = batch_size, seed, epoch
        self.word_dropout, self.unknown = word_dropout, unknown
        self.lengths = lengths(ids)
        self._arrange()

    def __len__(self):
        return math.ceil(len(self.ids) / self.batch_size)

    def __getitem__(self, index):
        rows = self.batches[index]
        longest = max(int(self.lengths[rows].max()), 1)
        length = min(ROUND_TO * math.ceil(longest / ROUND_TO), self.ids.shape[1])
        ids = self.ids[rows, :length]
        if self.word_dropout:
            rng = np.random.default_rng((self.seed, self.epoch, index))
            dropped = (rng.random(ids.shape) < self.word_dropout) & (ids > self.unknown)
            ids = np.where(dropped, np.int32(self.unknown), ids)
        if index == 0:
            # If the first two batches have the same shape, Keras takes it for the shape of all.
            # The first one is the longest, so with another column it differs from all others.
            ids = np.pad(ids, ((0, 0), (0, 1)), constant_values=PAD_ID)
        return ids, self.labels[rows]

    def on_epoch_end(self):
        self.epoch += 1
        self._arrange()

    def _arrange(self):
        if self.seed is None:
            order = np.argsort(self.lengths, kind="stable")
        else:
            rng = np.random.default_rng((self.seed, self.epoch))
            order = rng.permutation(len(self.ids))
            # Texts padded to the same length are similar enough; a stricter order would make the
            # batches of a small data set the same in every epoch.
            rounded = -(-self.lengths // ROUND_TO)
            pool = POOL * self.batch_size
            for start in range(0, len(order), pool):
                part = order[start : start + pool]
                order[start : start + pool] = part[np.argsort(rounded[part], kind="stable")]
        size = self.batch_size
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        if self.seed is not None:
            batches = [batches[i] for i in rng.permutation(len(batches))]
        # The longest first, so that a lack of memory shows at once.
        longest = max(range(len(batches)), key=lambda i: self.lengths[batches[i]].max())
        self.batches = [batches.pop(longest), *batches]


class Rest(keras.utils.PyDataset):
    """The rest of an epoch from a step on, to resume a run that was interrupted there.

    Args:
        batches: The epoch's batches.
        start: Number of the first one.
    """

    def __init__(self, batches: Batches, start: int):
        super().__init__()
        self.batches, self.start, self.started = batches, start, False

    def __len__(self):
        return len(self.batches) - self.start

    def __getitem__(self, index):
        ids, labels = self.batches[index + self.start]
        if index == 0 and not self.started and len(self) > 1:
            # Keras reads the shape from this one first; it must differ from the next, as in
            # `Batches`.
            ids = keras.tree.map_structure(
                lambda x: np.pad(x, ((0, 0), (0, 1)), constant_values=PAD_ID), ids
            )
        return ids, labels

    def on_epoch_begin(self):
        self.started = True

    def on_epoch_end(self):
        if not self.started:  # Keras calls it once before the first epoch, too
            self.batches.on_epoch_end()


class WithUnlabelled(Batches):
    """Batches of labelled texts, each with as many unlabelled texts.

    Args:
        others: int32 [texts, time], padded on the right.
        *args: As for `Batches`.
        **kwargs: As for `Batches`; `seed` is needed.
    """

    def __init__(self, others, *args, **kwargs):
        super().__init__(*args, **kwargs)
        count = math.ceil(len(others) / self.batch_size)
        passes = sum(self._ends(count, epoch) for epoch in range(1, self.epoch + 1))
        self.others = Batches(
            others, np.zeros(len(others)), self.batch_size, seed=self.seed, epoch=passes
        )

    def __getitem__(self, index):
        ids, labels = super().__getitem__(index)
        # A different part of them in each epoch.
        place = (self.epoch * len(self) + index) % len(self.others)
        return (ids, self.others[place][0]), labels

    def on_epoch_end(self):
        super().on_epoch_end()
        if self._ends(len(self.others), self.epoch):
            self.others.on_epoch_end()

    def _ends(self, count: int, epoch: int) -> bool:
        """Whether the last of so many epochs came to the end of the others, `count` batches."""
        return epoch * len(self) % count < len(self)
