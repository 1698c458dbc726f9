"""What a classifier answers, whatever runs it: many threads, unknown words."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import zoo
from tests.conftest import FILLERS, WORDS
from zoo.text import Tokenizer, Vocabulary

THREADS = 16
TEXTS = [f"{word} {' '.join(FILLERS.split()[:n])}" for n in range(4) for word in FILLERS.split()]
TEXTS += [f"a {word} film" for words in WORDS.values() for word in words.split()]


@pytest.fixture(params=["tiny_run", "tiny_tflite"])
def classifier(request):
    return zoo.load(request.getfixturevalue(request.param))


def test_threads_get_the_answers_that_one_alone_gets(classifier):
    expected = [classifier.predict([text]) for text in TEXTS]
    assert len({tuple(found[0].scores.values()) for found in expected}) > THREADS

    def ask(seed: int) -> int:
        order = np.random.default_rng(seed).permutation(len(TEXTS))
        return sum(classifier.predict([TEXTS[n]]) != expected[n] for n in order)

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(ask, range(4 * THREADS))) == [0] * 4 * THREADS


def test_classifiers_of_one_run_share_its_model_safely(tiny_run):
    from zoo import bundle

    run = bundle.load(tiny_run)
    expected = [run.classifier().predict([text]) for text in TEXTS[:8]]

    def ask(number: int):
        return run.classifier().predict([TEXTS[number % 8]]) == expected[number % 8]

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(ask, range(256)))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("", 0),
        (" ?! ", 0),
        ("zzyzx", 0),
        ("zzyzx zzyzx film", 1 / 3),
        ("A Film", 1),
        ("film film " * 50 + "zzyzx", 1),  # the model does not read the end
        ("zzyzx " * 50 + "film", 0),
    ],
)
def test_the_share_of_known_words(classifier, text, known):
    assert classifier.predict([text])[0].known == pytest.approx(known)


def test_the_share_is_the_same_where_the_vocabulary_has_no_start():
    tokenizer = Tokenizer(Vocabulary({"<PAD>": 0, "<UNKNOWN>": 1, "film": 2}), 3)
    made = zoo.Classifier("even", tokenizer, ("a", "b"), lambda ids: np.full((len(ids), 2), 0.5))
    assert [one.known for one in made.predict(["film", "film no", "no", ""])] == [1, 0.5, 0, 0]
