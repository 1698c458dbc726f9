"""The embedded reviews as a TFDS data set, generated without a download."""

from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from zoo.datasets import grammar

_DESCRIPTION = """
Short English reviews of films, books, restaurants, hotels, phones, concerts, games, courses,
jackets and bicycles, each with its overall verdict. They are written by a grammar, not by people.

In about a third of the texts the same words carry either verdict and only their order tells which,
as in "At first I hated it, but in the end I loved it", so that a classifier that counts words stays
far behind one that reads them. Rows come in pairs of both verdicts. The test texts hold phrases
that do not occur in training, made almost wholly of words that do.
"""


class Reviews(tfds.core.GeneratorBasedBuilder):
    """Builder of `reviews`: features `text` and `label`; splits train, validation and test."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012, the name and type that TFDS reads

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=list(grammar.LABELS)),
                }
            ),
            supervised_keys=("text", "label"),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        del dl_manager  # there is nothing to fetch
        return {split: self._generate_examples(split) for split in grammar.SIZES}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, str]]]:
        for number, (text, label) in enumerate(grammar.generate(split)):
            yield number, {"text": text, "label": label}
