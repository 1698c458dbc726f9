"""The source of a data set: its path, its columns, and the folders of TensorFlow Datasets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo import terminal
from zoo.datasets import labels, unlabelled
from zoo.datasets.split import Dataset, DatasetError, assemble
from zoo.kinds import Label

if TYPE_CHECKING:
    from zoo.datasets.split import Parts

REVIEWS, TFDS = "reviews", "tfds:"


@dataclass(frozen=True)
class Source:
    """Where a data set is and how it is read. Nothing is read until a method is called.

    Attributes:
        path: What to read:
            * `reviews`, the embedded reviews;
            * `tfds:NAME[/CONFIG]`, a text classification set of TensorFlow Datasets (TFDS);
            * a .tsv, .csv or .jsonl file;
            * a folder with such files named `train`, `valid` (or `validation`, `dev`, `val`) and
              `test`;
            * a folder of texts by split and label: `train/positive/1.txt`.
        text_column, label_column: The columns (.tsv, .csv), keys (.jsonl) or features (TFDS) to
            read. TFDS features with other names are detected if there is only one choice.
        data_dir: Folder of prepared TFDS sets. By default, the user's cache folder for `reviews`,
            and TFDS's default for `tfds:`.
        download_dir: Folder where TFDS looks for archives and saves downloads.
        scores: What the labels are for, of `zoo.kinds.KINDS`: `softmax`, a text has one label;
            `sigmoid`, any number of labels, also none; `numbers`, one number, or in JSON a list of
            equally many. By default, `sigmoid` with a separator or where labels are JSON lists,
            else `softmax`. TFDS sets have one label.
        label_separator: What stands between the labels of a text in a cell or string.
    """

    path: str
    text_column: str = "text"
    label_column: str = "label"
    data_dir: str | os.PathLike | None = None
    download_dir: str | os.PathLike | None = None
    scores: str | None = None
    label_separator: str | None = None

    @property
    def is_tfds(self) -> bool:
        """Whether it is read by TensorFlow Datasets, which imports TensorFlow."""
        return self.path == REVIEWS or self.path.startswith(TFDS)

    def check(self) -> None:
        """Raises `DatasetError` if its settings contradict."""
        if self.text_column == self.label_column:
            raise DatasetError(
                f"text_column and label_column are both {self.text_column!r}; they have to differ."
            )
        try:
            labels.check(self.scores, self.label_separator)
        except ValueError as error:
            raise DatasetError(str(error)) from None
        flags = {"--scores": self.scores not in (None, "softmax")}
        flags["--label-separator"] = self.label_separator is not None
        if self.is_tfds and any(flags.values()):
            given = next(flag for flag, is_given in flags.items() if is_given)
            raise DatasetError(
                f"{given} is for files, and of {self.path} a text has one label. Leave it out, or "
                "write the texts to a .jsonl file."
            )

    def check_exists(self) -> None:
        """Raises `DatasetError` if its file or folder does not exist."""
        if not self.is_tfds:
            from zoo.datasets import files

            files.check(self.path)

    def dataset(
        self, *, seed: int = 0, limit: int | None = None, valid_fraction: float = 0.1
    ) -> Dataset:
        """Reads the data set, with training, validation and test rows.

        Splits of the source are used as they are. A missing split is held out of train: for test,
        10 % of each label, drawn by the texts alone; for validation, `valid_fraction` of each
        label, drawn by the texts and `seed`. Equal texts (ignoring case and punctuation) stay
        together, and every label stays in train. Of several labels or of numbers, each part is
        drawn from all texts instead.

        Args:
            seed: Seed of the validation rows and of `limit`, at least 0.
            limit: Maximum number of training rows, taken after a shuffle by `seed`. The labels,
                validation and test rows are not limited.
            valid_fraction: Fraction of train to hold out for validation if the source has no
                validation split, above 0 and at most 0.5.

        Raises:
            DatasetError: If the source cannot be read or is invalid; the message names the
                location, the rule and the remedy.
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

    def rows(self) -> tuple[list[str], list[Label]]:
        """Reads the rows of all splits: the texts, and the names of their labels or their numbers.

        Raises:
            DatasetError: If the source cannot be read.
        """
        with terminal.progress(f"Reading {self.path}"):
            parts = self._parts().rows.values()
        texts = [text for part in parts for text in part.texts]
        return texts, [label for part in parts for label in part.labels]

    def _parts(self) -> Parts:
        self.check()
        columns = {"text_column": self.text_column, "label_column": self.label_column}
        if not self.is_tfds:
            from zoo.datasets import files

            reader = labels.LabelReader(self.scores, self.label_separator)
            return files.read_path(self.path, **columns, labels=reader)
        # Imported only if needed, since TFDS imports TensorFlow.
        from zoo.datasets import tfds

        if self.path == REVIEWS:
            return tfds.read_reviews(self.data_dir)
        name = self.path.removeprefix(TFDS)
        return tfds.read_tfds(
            name, data_dir=self.data_dir, download_dir=self.download_dir, **columns
        )

    def check_unlabelled(self) -> None:
        """Raises `DatasetError` if the file or folder for `texts` does not exist."""
        if not self.path.startswith(TFDS):
            unlabelled.check(self.path)

    def texts(self) -> list[str]:
        """Reads texts without their labels.

        Here, the path is `tfds:NAME[/CONFIG]#SPLIT`, a split of TensorFlow Datasets; a .txt file
        with one text per line; a .tsv, .csv or .jsonl file; or a folder with such a file `train`.
        Files need no label column.

        Raises:
            DatasetError: If it cannot be read, or has no text.
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
