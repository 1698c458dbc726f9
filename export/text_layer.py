"""A `TextVectorization` layer in front of a model, as the device's tokenizer.

The device splits a text at the matches of a regular expression and looks the tokens up as they are.
It changes no character. So a layer that only splits at white space is the same; lower case is the
same for the forms of a word that the vocabulary lists; and a layer that deletes characters inside
of words is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from export import questions
from zoo import model_graph
from zoo.model_graph import Step, UnsupportedModelError, named
from zoo.text import PAD, START, UNKNOWN, Tokenizer, Vocabulary

WHITE_SPACE = r"[\t\n\v\f\r ]+"
"""Where `tf.strings.split` splits: it does not know the white space beyond ASCII."""
REMEDY = (
    "Train with standardize=None or 'lower' and split='whitespace', or give a vocabulary "
    "(--vocab, in Python tokenizer=) for the device's own tokenizer to take its place"
)
HARD = (
    "",
    "  ",
    "a\tb\nc\vd\fe\rf  g ",
    "a\u00a0b \u2003c\u3000d e\u0085f",
    "don't well-known, (e.g.) \u201cthis\u201d \u2026 caf\u00e9 \u65e5\u672c",
)


@dataclass(frozen=True)
class TextModel:
    """A model of texts in two parts.

    Attributes:
        step: The call of the `TextVectorization` layer.
        model: The rest, from token ids.
    """

    step: Step
    model: keras.Model

    @property
    def length(self) -> int | None:
        """The number of ids that the layer gives; None if it is that of the longest text."""
        return self.step.operation.get_config()["output_sequence_length"]

    @property
    def name(self) -> str:
        """The layer's name and class."""
        return named(self.step)

    def tokenizer(self, length: int) -> Tokenizer:
        """The device's tokenizer that gives the ids of the layer.

        Args:
            length: Ids of a text.

        Raises:
            UnsupportedModelError: If there is none; the message says what the layer does otherwise.
        """
        self.require_possible()
        words = [str(word) for word in self.step.operation.get_vocabulary()]
        if len(words) <= 2:
            raise UnsupportedModelError(
                f"{self.name} has no vocabulary: adapt it before the model is saved (a .h5 file "
                "and a SavedModel do not keep it). Save the model as .keras, or give a vocabulary "
                "(--vocab, in Python tokenizer=)."
            )
        vocabulary = _vocabulary(words, self.folds_case, self.name)
        tokenizer = Tokenizer(vocabulary, length, WHITE_SPACE)
        self._require_same(tokenizer)
        return tokenizer

    @property
    def folds_case(self) -> bool:
        """Whether the layer makes texts lower case."""
        return self.step.operation.get_config()["standardize"] == "lower"

    def require_possible(self) -> None:
        """Raises `UnsupportedModelError` if the device cannot do what the layer does."""
        config = self.step.operation.get_config()
        deletes = (
            'deletes punctuation inside of words, so that "don\'t" is "dont" and \'well-known\' '
            "is 'wellknown'; the device changes no character of a word"
        )
        reasons = {
            "lower_and_strip_punctuation": deletes,
            "strip_punctuation": deletes,
        }
        standardize, split = config["standardize"], config["split"]
        why = None
        if isinstance(standardize, str) and standardize != "lower":
            why = f"(standardize={standardize!r}) {reasons.get(standardize, 'is not known here')}"
        elif standardize not in (None, "lower"):
            why = "changes texts by a function of its own (standardize=), which no device runs"
        elif split == "character":
            why = "(split='character') splits between characters; the device splits at delimiters"
        elif split is None:
            why = "(split=None) looks whole texts up; the device splits them"
        elif split != "whitespace":
            why = "splits texts by a function of its own (split=), which no device runs"
        elif config["ngrams"] is not None:
            why = f"(ngrams={config['ngrams']}) gives pairs of words; the device gives single words"
        elif config["output_mode"] != "int":
            why = f"(output_mode={config['output_mode']!r}) gives no ids in the order of the text"
        elif config.get("ragged"):
            why = "(ragged=True) gives texts of several lengths; the device pads them"
        elif config.get("encoding", "utf-8").lower() not in ("utf-8", "utf8"):
            why = f"(encoding={config['encoding']!r}) does not read UTF-8, as the device does"
        if why is not None:
            raise UnsupportedModelError(f"{self.name} {why}. {REMEDY}.")

    def _require_same(self, tokenizer: Tokenizer) -> None:
        """Compares the ids with those of the layer itself."""
        texts = [*HARD, *questions.made_up(tokenizer)]
        given = self.step.operation(_as_column(texts, self.step))
        ids = keras.ops.convert_to_numpy(given)[:, : tokenizer.max_length]
        ids = np.pad(ids, ((0, 0), (0, tokenizer.max_length - ids.shape[1])))
        differ = (ids != tokenizer.encode(texts)).any(axis=1)
        if differ.any():
            raise UnsupportedModelError(
                f"{self.name} gives other ids than the device's tokenizer for "
                f"{texts[int(differ.argmax())]!r:.60}. {REMEDY}."
            )


def of(model: keras.Model) -> TextModel | None:
    """A model of texts in its two parts; None for a model of ids.

    Raises:
        UnsupportedModelError: If it takes strings, and no `TextVectorization` layer reads them.
    """
    inputs = getattr(model, "inputs", None) if isinstance(model, keras.Model) else None
    if (
        not inputs
        or len(inputs) != 1
        or keras.backend.standardize_dtype(inputs[0].dtype) != "string"
    ):
        return None
    graph = model_graph.functional(model, of_texts=True)
    first = [s for s in model_graph.steps(graph) if any(x is graph.inputs[0] for x in s.inputs)]
    (step, *others) = first
    if others or not isinstance(step.operation, keras.layers.TextVectorization):
        remedy = "Texts have to go into a TextVectorization layer alone"
        if isinstance(step.operation, keras.layers.StringLookup):
            remedy = (
                "The device splits texts itself. Export the model behind the layer, "
                "keras.Model(lookup.output, model.output), with the words of "
                "lookup.get_vocabulary() as --vocab (in Python tokenizer=)"
            )
        raise UnsupportedModelError(
            f"{named(others[0] if others else step)} reads strings. {remedy}."
        )
    return TextModel(step, keras.Model(step.output, graph.outputs[0], name=model.name))


def _as_column(texts: Sequence[str], step: Step):
    """Texts in the shape that the layer takes."""
    column = np.array([text.encode() for text in texts], object)
    return keras.ops.convert_to_tensor(
        column[:, None] if len(step.inputs[0].shape) == 2 else column, dtype="string"
    )


def _vocabulary(words: Sequence[str], folds: bool, name: str) -> Vocabulary:
    """The vocabulary file for the words of a layer, of which the first two are special."""
    ids = {PAD: 0, UNKNOWN: 1}
    for number, word in enumerate(words[2:], start=2):
        if word in (PAD, UNKNOWN, START):
            raise UnsupportedModelError(
                f"{name} has the word {word!r}, which has another meaning on the device. Leave it "
                "out of the layer's vocabulary."
            )
        if not word or any(character in word for character in "\t\n\v\f\r "):
            continue  # no text has it
        forms = [word]
        if folds:
            if _lower(word) != word:
                continue  # as above
            forms += [_upper(word[:1]) + word[1:], _upper(word)]
        ids.update((form, number) for form in forms)
    return Vocabulary(ids)


def _lower(word: str) -> str:
    """ASCII letters in lower case, as `tf.strings.lower` has them."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in word)


def _upper(word: str) -> str:
    return "".join(letter.upper() if letter.isascii() else letter for letter in word)
