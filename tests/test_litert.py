"""Exported files as classifiers: what is loaded, and what is refused."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from zoo import litert, pretrained

NAME = "sms-spam"
TEXTS = ["win a free prize now", "see you at eight", ""]


@pytest.fixture(scope="module")
def content():
    return pretrained.file(NAME).read_bytes()


@pytest.fixture(scope="module")
def classifier():
    return litert.load(pretrained.file(NAME))


def test_a_file_is_loaded_with_its_tokenizer_and_labels(classifier, content):
    forward, max_length, classes = litert.runner(content)
    assert max_length == classifier.tokenizer.max_length
    assert classes == len(classifier.labels) == 2
    ids = classifier.tokenizer.encode(TEXTS)
    np.testing.assert_array_equal(classifier.scores(TEXTS), forward(ids))
    np.testing.assert_allclose(forward(ids).sum(axis=1), 1, atol=0.01)


def test_a_file_and_its_content_give_the_same_scores(classifier, content):
    from_content = litert.load_content(content, "model.tflite")
    np.testing.assert_array_equal(from_content.scores(TEXTS), classifier.scores(TEXTS))


def test_weights_that_are_not_packed_give_nearly_the_same_scores(classifier, content):
    ids = classifier.tokenizer.encode(TEXTS)
    plain, packed = (litert.runner(content, packed=packed)[0](ids) for packed in (False, True))
    np.testing.assert_allclose(plain, packed, atol=0.02)


def test_threads_share_a_classifier(classifier):
    texts = [f"{text} {number}" for number in range(30) for text in TEXTS]
    expected = classifier.scores(texts)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: classifier.scores(texts), range(8)):
            np.testing.assert_array_equal(scores, expected)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(litert.ModelFileError, match=r"no file .*missing\.tflite"):
        litert.load(tmp_path / "missing.tflite")


def test_an_error_names_the_file(tmp_path, content):
    path = tmp_path / "cut.tflite"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(litert.ModelFileError, match=r"cut\.tflite: "):
        litert.load(path)
    with pytest.raises(litert.ModelFileError, match=r"^some name: "):
        litert.load_content(b"no model at all", "some name")


def test_labels_that_do_not_fit_the_scores_are_refused(monkeypatch, content):
    monkeypatch.setattr(litert, "runner", lambda *_, **__: (None, 64, 3))
    with pytest.raises(litert.ModelFileError, match="3 scores, but its metadata has 2 labels"):
        litert.load_content(content, "model.tflite")
