"""Running .tflite files in LiteRT."""

import numpy as np
import pytest

from zoo import litert


def test_it_answers_and_knows_its_sizes(tiny_tflite):
    content = tiny_tflite.read_bytes()
    forward, length, classes = litert.runner(content)
    scores = forward(np.ones((3, length), np.int32))
    assert scores.shape == (3, classes) and scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("options", [{"threads": 2}, {"packed": False}])
def test_threads_and_packing_change_no_label(tiny_tflite, options):
    content = tiny_tflite.read_bytes()
    plain, length, _ = litert.runner(content)
    other, *_ = litert.runner(content, **options)
    ids = np.random.default_rng(0).integers(0, 9, (20, length), dtype=np.int32)
    np.testing.assert_allclose(other(ids), plain(ids), atol=0.02)


def test_the_errors_name_the_file(tmp_path, tiny_tflite):
    with pytest.raises(litert.ModelFileError, match=r"no file .*none\.tflite"):
        litert.load(tmp_path / "none.tflite")
    (tmp_path / "notes.tflite").write_text("no model")
    with pytest.raises(litert.ModelFileError, match=r"notes\.tflite"):
        litert.load(tmp_path / "notes.tflite")
    with pytest.raises(litert.ModelFileError, match="here:"):
        litert.load_content(tiny_tflite.read_bytes()[:2000], "here")


def test_the_name_is_that_of_the_metadata(tmp_path, tiny_tflite):
    renamed = tmp_path / "other.tflite"
    renamed.write_bytes(tiny_tflite.read_bytes())
    assert litert.load(renamed).name == litert.load(tiny_tflite).name == "peephole-bilstm-tiny"
