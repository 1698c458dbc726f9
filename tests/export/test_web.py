"""Exported files in MediaPipe for the web, in a real browser: raw texts in, Keras's scores out.

Needs node, Chromium (CHROMIUM says where, if not at /usr/bin/chromium) and `npm install` in
studies/web. No browser is sent anywhere but to this machine.
"""

import functools

import numpy as np
import pytest

import export
from studies import browser
from studies.clients import ask_mediapipe, mediapipe_classifier
from tests.export.models import WORDS, bundle, piece_bundle, trained_bundle
from tests.export.test_clients import agrees

pytestmark = pytest.mark.slow

PRECISIONS = ("float32", "int8")
FILES = [
    ("bilstm", "fused"),
    ("peephole-bilstm", "fused"),
    ("coupled-bilstm", "fused"),
    ("projected-bilstm", "fused"),
    ("gate-norm-bilstm", "fused"),
    ("min-bigru", "parallel"),
    ("diagonal-bilstm", "fused"),
    ("bigru", "unrolled"),
]
BLOCK = 10
ODD = [
    *("", "   ", "\t\n", "?!", "bad\0good"),
    *("Good film!", "GOOD BOOK", "NOT Bad, not bad.", "goOd"),
    *("çà bad", "cafe\u0301 good", "日本の bad film", "good 👍🏽 cast", "👎bad", "not\udc4ebad"),
    *("zzyzx", "words that nobody knows"),
    *("good " * 5000, "film " * 99 + "bad", "x" * 5000 + " good"),
]


def make_texts():
    """Known words at every length up to twice the longest that is read, and odd texts; mixed."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, length)) for length in range(1, 41)] + ODD
    return [texts[number] for number in rng.permutation(len(texts))]


TEXTS = make_texts()


@pytest.fixture(scope="module", autouse=True)
def _browser():
    if missing := browser.missing():
        pytest.skip(missing)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """`asked(family, lowering)`: path and scores by precision, and the number of each text asked.

    A browser takes seconds to start, so it is asked about all precisions at once.
    """

    @functools.cache
    def make(family, lowering):
        source, folder = trained_bundle(family), tmp_path_factory.mktemp(family)
        paths = []
        for precision in PRECISIONS:
            (file,) = export.export_model(source, folder, lowering=lowering, precision=precision)
            paths.append(folder / file.path)
        # Each block, the next one, and the block again: every text is asked three times.
        blocks = np.split(np.arange(len(TEXTS)), len(TEXTS) // BLOCK)
        following = [*blocks[1:], blocks[0]]
        order = np.concatenate([[a, b, a] for a, b in zip(blocks, following, strict=True)], None)
        got = browser.scores(paths, [TEXTS[number] for number in order])
        return dict(zip(PRECISIONS, zip(paths, got, strict=True), strict=True)), order

    return make


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("family", "lowering"), FILES)
def test_scores_are_those_of_keras_and_depend_on_the_text_alone(asked, family, lowering, precision):
    source = trained_bundle(family)
    files, order = asked(family, lowering)
    path, got = files[precision]
    got = np.stack([got[order == number] for number in range(len(TEXTS))], axis=1)
    for again in got[1:]:
        np.testing.assert_array_equal(again, got[0])
    agrees(got[0], source.classifier().scores(TEXTS), precision)
    # Python sends UTF-8, which has no halves of surrogate pairs; a browser mends them like this.
    coded = [text.encode("utf-16", "surrogatepass") for text in TEXTS]
    mended = [text.decode("utf-16", "replace") for text in coded]
    with mediapipe_classifier(path.read_bytes()) as client:
        np.testing.assert_allclose(got[0], ask_mediapipe(client, mended, source.labels), atol=1e-5)


def test_word_pieces(tmp_path):
    source = piece_bundle("bilstm", num_layers=2)
    (file,) = export.export_model(source, tmp_path, lowering="fused", precision="float32")
    got = browser.scores([tmp_path / file.path], TEXTS + TEXTS[::-1])[0]
    np.testing.assert_array_equal(got[: len(TEXTS)], got[len(TEXTS) :][::-1])
    expected = source.classifier().scores(TEXTS)
    np.testing.assert_allclose(got[: len(TEXTS)], expected, atol=1e-5)


def test_loop_is_refused_there(tmp_path):
    source = bundle()
    (file,) = export.export_model(source, tmp_path, lowering="loop")
    with pytest.raises(RuntimeError, match="single subgraph"):
        browser.scores([tmp_path / file.path], TEXTS[:1])
