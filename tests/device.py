"""The tokenizer on the device: MediaPipe's text classifier, on a model whose scores are its ids."""

import numpy as np
from mediapipe.tasks.python import BaseOptions, text

from export.tflite.metadata import add_metadata
from tests.echo_model import echo_model
from zoo.metadata import BERT_INPUTS
from zoo.tokenizers import AnyTokenizer


class Device:
    """MediaPipe's TextClassifier on a model whose scores are the ids.

    To be closed: one that the garbage collector closes waits for ever for a thread that the
    collector has ended, whatever the program was doing.
    """

    def __init__(self, tokenizer: AnyTokenizer):
        inputs = BERT_INPUTS if tokenizer.kind == "wordpiece" else ("tokens",)
        model = add_metadata(
            echo_model(tokenizer.max_length, inputs),
            name="echo",
            description="its scores are its ids",
            tokenizer=tokenizer,
            labels=[f"slot {i}" for i in range(tokenizer.max_length)],
        )
        options = text.TextClassifierOptions(base_options=BaseOptions(model_asset_buffer=model))
        self._classifier = text.TextClassifier.create_from_options(options)
        self._length = tokenizer.max_length

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._classifier.close()

    def encode(self, string: str) -> np.ndarray:
        categories = self._classifier.classify(string).classifications[0].categories
        ids = np.full(self._length, -1, np.int32)
        for category in categories:
            ids[category.index] = category.score
        return ids


class _Surrogates(str):
    """A str that becomes the bytes that a browser makes of surrogates."""

    def encode(self, *_):
        return self.raw.encode("utf-8", "surrogatepass")


def as_a_browser(raw: str) -> str:
    """A text with lone surrogates, which becomes the bytes that a browser makes of them."""
    string = _Surrogates(raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    string.raw = raw
    return string
