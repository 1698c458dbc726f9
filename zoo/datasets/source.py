"""A data set's path, its columns, and the folders of TensorFlow Datasets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo import terminal
from zoo.datasets import unlabelled
from zoo.datasets.split import Dataset, DatasetError, assemble

if TYPE_CHECKING:
    from zoo.datasets.split import Parts

REVIEWS, TFDS = "reviews", "tfds:"


@dataclass(frozen=True)
class Source:
    """A data set and how to read it. Nothing is read before a method is called.

    Attributes:
        path: What to read:
            * `reviews`, the embedded reviews;
            * `tfds:NAME[/CONFIG]`, a text classification set of TensorFlow Datasets (TFDS);
            * a .tsv, .csv or .jsonl file;
            * a folder with files `train`, `valid` (or `validation`, `dev`, `val`) and `test`
              of those kinds;
            * a folder of texts by part and label: `train/positive/1.txt`.
        text_column, label_column: The columns (.tsv, .csv), keys (.jsonl) or features (TFDS) to
            read. TFDS features with other names are found where there is only one choice.
        data_dir: Where TFDS keeps prepared sets. Without it: the user's cache folder for
            `reviews`, TFDS's own default for `tfds:`.
        download_dir: Where TFDS looks for archives and stores downloads.
    """

    path: str
    text_column: str = "text"
    label_column: str = "label"
    data_dir: str | os.PathLike | None = None
    download_dir: str | os.PathLike | None = None

    @property
    def is_tfds(self) -> bool:
        """Whether it is read by TensorFlow Datasets, which imports TensorFlow."""
        return self.path == REVIEWS or self.path.startswith(TFDS)

    def dataset(
        self, *, seed: int = 0, limit: int | None = None, valid_fraction: float = 0.1
    ) -> Dataset:
        """Reads the data set and makes sure that it has training, validation and test rows.

        Parts that the source has are used as they are. A part that it lacks is held out of train:
        test 10 % of each label, chosen by the texts alone; validation `valid_fraction` of each
        label, chosen by the texts and `seed`. Equal texts (letter case and punctuation aside) stay
        together, and every label stays in train.

        Args:
            seed: Draws the validation rows and `limit`; at least 0.
            limit: Take the first `limit` training rows, in an order shuffled by `seed`. The labels,
                validation and test stay whole.
            valid_fraction: Part of train to hold out for validation where the source has none,
                above 0 and at most 0.5.

        Raises:
            DatasetError: The source cannot be read or breaks a rule; the message names the place,
                the rule and the remedy.
        """
        if limit is not None and limit < 1:
            raise DatasetError(f"limit is {limit}; it has to be at least 1, or None for all rows.")
        if not 0 < valid_fraction <= 0.5:
            raise DatasetError(
                f"valid_fraction is {valid_fraction}; it has to be above 0 and at most 0.5, "
                "for example 0.1."
            )
        if seed < 0:
            raise DatasetError(f"seed is {seed}; it has to be at least 0.")
        with terminal.progress(f"Reading {self.path}"):
            return assemble(self._parts(), seed=seed, valid_fraction=valid_fraction, limit=limit)

    def rows(self) -> tuple[list[str], list[str]]:
        """Reads all rows, whatever part they are in: the texts, and the names of their labels.

        Raises:
            DatasetError: The source cannot be read.
        """
        with terminal.progress(f"Reading {self.path}"):
            parts = self._parts().rows.values()
        texts = [text for part in parts for text in part.texts]
        return texts, [label for part in parts for label in part.labels]

    def _parts(self) -> Parts:
        if self.text_column == self.label_column:
            raise DatasetError(
                f"text_column and label_column are both {self.text_column!r}; they have to differ."
            )
        columns = {"text_column": self.text_column, "label_column": self.label_column}
        if not self.is_tfds:
            from zoo.datasets import files

            return files.read_path(self.path, **columns)
        # TFDS imports TensorFlow, so it is imported only where it is used.
        from zoo.datasets import tfds

        if self.path == REVIEWS:
            return tfds.read_reviews(self.data_dir)
        name = self.path.removeprefix(TFDS)
        return tfds.read_tfds(
            name, data_dir=self.data_dir, download_dir=self.download_dir, **columns
        )

    def check_unlabelled(self) -> None:
        """Raises `DatasetError` if there is no file or folder to read `texts` from."""
        if not self.path.startswith(TFDS):
            unlabelled.check(self.path)

    def texts(self) -> list[str]:
        """Reads texts without their labels.

        Here, the path is `tfds:NAME[/CONFIG]#SPLIT`, a split of TensorFlow Datasets; a .txt file
        with one text per line; a .tsv, .csv or .jsonl file; or a folder with a file `train` of
        that kind. Files need no label column.

        Raises:
            DatasetError: If it cannot be read or has no text.
        """
        if not self.path.startswith(TFDS):
            return unlabelled.read(self.path, self.text_column)
        from zoo.datasets import tfds

        name, _, split = self.path.removeprefix(TFDS).partition("#")
        texts = tfds.read_texts(
            name,
            split or "train",
            data_dir=self.data_dir,
            download_dir=self.download_dir,
            text_column=self.text_column,
            label_column=self.label_column,
        )
        return unlabelled.not_empty(texts, self.path)
