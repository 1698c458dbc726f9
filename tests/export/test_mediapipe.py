"""Exported files in the real MediaPipe: raw texts in, Keras's scores out."""

import numpy as np
import pytest

import export
from export.choices import PRECISION
from studies.clients import ask_mediapipe, mediapipe_classifier
from tests.export.models import bundle, trained_bundle

pytest.importorskip("mediapipe.tasks.python.text", reason="mediapipe is not installed")

TEXTS = [
    "",
    "   ",
    "Good film!",
    "a bad Book",
    "never\tGOOD\nbook",
    "NOT bad, not bad.",
    "çà 日本 фильм",
    "bad " * 60,
    "words that nobody knows",
]


@pytest.mark.parametrize(
    ("name", "lowering", "precision"),
    [
        ("peephole-bilstm", "fused", "float32"),
        ("peephole-bilstm", "fused", "int8"),
        pytest.param("bigru", "unrolled", "float16", marks=pytest.mark.slow),
        pytest.param("min-bigru", "parallel", "int8", marks=pytest.mark.slow),
    ],
)
def test_scores_are_keras_scores_and_depend_on_the_text_alone(tmp_path, name, lowering, precision):
    source = trained_bundle(name)
    (file,) = export.export_model(source, tmp_path, lowering=lowering, precision=precision)
    with mediapipe_classifier((tmp_path / file.path).read_bytes()) as client:
        first = ask_mediapipe(client, TEXTS, source.labels)
        again = ask_mediapipe(client, TEXTS[::-1] + TEXTS, source.labels)
    expected = source.classifier().scores(TEXTS)
    np.testing.assert_allclose(first, expected, atol=PRECISION[precision].largest_difference / 5)
    np.testing.assert_array_equal(again[: len(TEXTS)][::-1], first)
    np.testing.assert_array_equal(again[len(TEXTS) :], first)


def test_loop_is_refused_there(tmp_path):
    """Why there are other lowerings."""
    source = bundle()
    (file,) = export.export_model(source, tmp_path, lowering="loop")
    with pytest.raises(Exception, match="single subgraph"):
        mediapipe_classifier((tmp_path / file.path).read_bytes())
