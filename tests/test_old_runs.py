"""Run folders that earlier versions wrote, and what those versions answered."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import export
import zoo
from zoo import bundle
from zoo.records import RunError

TEXTS = ["a warm and great film", "the story is dull", "zzyzx", ""]
RUNS = {
    "first": "without hashes, samples or settings that were chosen from the data",
    "hashed": "with them",
}


@pytest.fixture(params=RUNS)
def run(request, tmp_path):
    """A copy of the folder, and the scores of `TEXTS` by the version that wrote it."""
    folder = Path(__file__).parent / "runs" / request.param
    scores = json.loads((folder / "scores.json").read_text())
    record = json.loads((folder / "config.json").read_text())
    written_by = record["versions"]["keras"]
    copy = Path(shutil.copytree(folder, tmp_path / "run"))
    if parsed(keras.__version__) < parsed(written_by):
        with pytest.raises(RunError, match=f"saved by Keras {written_by}.*Install keras>="):
            bundle.load(copy)
        pytest.skip(f"written by Keras {written_by}, which is newer than the installed one")
    return copy, np.array(scores)


def parsed(version):
    return tuple(map(int, version.split(".")[:3]))


def test_it_loads_and_answers_as_before(run):
    folder, scores = run
    np.testing.assert_allclose(zoo.load(folder).scores(TEXTS), scores, atol=2e-6)
    loaded = bundle.load(folder)
    assert loaded.figures == json.loads((folder / "metrics.json").read_text())
    assert (loaded.samples is not None) == (folder / "samples.npz").exists()


def test_it_is_exported(run):
    folder, scores = run
    files = export.export_model(folder, precision="float32")
    for file in files:
        answers = zoo.load(folder / "export" / file.path).scores(TEXTS)
        np.testing.assert_allclose(answers, scores, atol=1e-5)
