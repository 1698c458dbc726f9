"""Run folders that are damaged, or made to harm: one sentence, before much memory or time."""

import io
import json
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.test_bundle import TEXTS, make
from zoo import archive, bundle, sums
from zoo.bundle import Bundle
from zoo.records import RunError

PARTS = ("model.keras", "vocab.txt", "labels.txt", "config.json")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage") / "run"
    make().save(folder)
    return folder


@pytest.fixture
def whole(saved, tmp_path):
    """A folder with hashes."""
    return Path(shutil.copytree(saved, tmp_path / "run"))


@pytest.fixture
def older(whole):
    """A folder without hashes, as older versions wrote it."""
    (whole / sums.NAME).unlink()
    return whole


def refused(folder, match):
    with pytest.raises(RunError, match=match) as caught:
        bundle.load(folder)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 600
    return message


# Hashes


def test_sha256sum_checks_the_folder(whole):
    def check():
        command = ["sha256sum", "--strict", "-c", sums.NAME]
        return subprocess.run(command, cwd=whole, capture_output=True, check=False).returncode

    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    assert check() == 0
    with (whole / "vocab.txt").open("a") as file:
        file.write("\n")
    assert check() == 1


def test_more_files_get_a_hash(tmp_path):
    make().save(tmp_path, {"metrics.json": "{}\n", "README.md": "# A card\n"})
    found = sums.read(tmp_path)
    assert set(found) == {*PARTS, "metrics.json", "README.md"}
    assert (tmp_path / "README.md").read_text() == "# A card\n"
    assert found["README.md"] == sums.digest(tmp_path / "README.md")
    with pytest.raises(ValueError, match="not a valid file name"):
        make().save(tmp_path, {"../card.md": ""})


@pytest.mark.parametrize("name", PARTS)
def test_a_changed_bit_is_told(whole, name):
    content = bytearray((whole / name).read_bytes())
    content[len(content) // 3] ^= 4
    (whole / name).write_bytes(content)
    message = refused(whole, name)
    assert "SHA256SUMS" in message


@pytest.mark.parametrize("name", PARTS)
def test_a_cut_file_is_told(whole, name):
    content = (whole / name).read_bytes()
    for length in (0, len(content) // 2, len(content) - 1):
        (whole / name).write_bytes(content[:length])
        refused(whole, name)


def test_a_file_without_its_hash_is_refused(whole):
    lines = (whole / sums.NAME).read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        (whole / sums.NAME).write_text("".join(lines[:number] + lines[number + 1 :]))
        refused(whole, line.split()[1])


@pytest.mark.parametrize("content", [b"x", b"\xff" * 80, b"a" * 2_000_000, b"0" * 64 + b"  ../x\n"])
def test_a_damaged_list_of_hashes_is_named(whole, content):
    (whole / sums.NAME).write_bytes(content)
    refused(whole, "SHA256SUMS")


@pytest.mark.parametrize("before", ["nothing", "another run"])
def test_a_kill_between_two_writes_leaves_no_half_run(tmp_path, monkeypatch, before):
    """Whatever the step, the folder is unfinished or one of the two runs, whole."""
    old, new = make(("bad", "good")), make(("worse", "better"))
    for steps in range(20):
        folder = tmp_path / str(steps)
        if before != "nothing":
            old.save(folder)
        left = [steps]

        def killed(method, left=left):
            def call(*given, **named):
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
                return method(*given, **named)

            return call

        with monkeypatch.context() as patch:
            for name in ("replace", "unlink"):
                patch.setattr(Path, name, killed(getattr(Path, name)))
            try:
                new.save(folder)
            except KeyboardInterrupt:
                pass
            else:
                break
        try:
            assert bundle.load(folder).labels == old.labels
        except RunError as error:
            assert "not a finished run" in str(error) or "no folder" in str(error)
    assert steps > 5
    assert bundle.load(folder).labels == new.labels


# Folders without hashes


def test_older_folders_load(older):
    loaded = bundle.load(older)
    np.testing.assert_array_equal(
        loaded.classifier().scores(TEXTS), make().classifier().scores(TEXTS)
    )


@pytest.mark.parametrize("name", ["vocab.txt", "labels.txt"])
def test_a_last_line_that_may_be_cut_is_named(older, name):
    content = (older / name).read_bytes()
    (older / name).write_bytes(content[:-1])
    refused(older, rf"{name} does not end")


def test_a_vocabulary_that_was_cut_at_a_line_is_told(older):
    config = json.loads((older / "config.json").read_text()) | {"training": {}}
    (older / "config.json").write_text(json.dumps(config))
    bundle.load(older)
    lines = (older / "vocab.txt").read_text().splitlines(keepends=True)
    (older / "vocab.txt").write_text("".join(lines[: len(lines) // 2]))
    refused(older, "vocab.txt")


@pytest.mark.parametrize("name", PARTS[1:])
def test_a_large_file_is_not_read(older, name):
    with (older / name).open("ab") as file:
        file.truncate(10**11)
    refused(older, name)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ([], "list"),
        (None, "NoneType"),
        ({"model": 3}, "'model'"),
        ({"model": {"name": 3}}, "name is 3"),
        ({"model": {}}, "name is None"),
        ({"tokenizer": []}, "'tokenizer'"),
        ({"tokenizer": {"max_length": "12", "delimiter": " "}}, "max_length"),
        ({"tokenizer": {"max_length": 12.5, "delimiter": " "}}, "max_length"),
        ({"tokenizer": {"max_length": True, "delimiter": " "}}, "max_length"),
        ({"tokenizer": {"max_length": 10**12, "delimiter": " "}}, "max_length"),
        ({"tokenizer": {"max_length": 12, "delimiter": None}}, "delimiter"),
        ({"tokenizer": {"max_length": 12, "delimiter": "("}}, "RE2"),
        ({"training": "yes"}, "'training'"),
        ({"data": 1}, "'data'"),
    ],
)
def test_a_configuration_of_other_types_is_named(older, change, what):
    config = json.loads((older / "config.json").read_text())
    config = config | change if isinstance(change, dict) else change
    (older / "config.json").write_text(json.dumps(config))
    assert "config.json" in refused(older, what)


def test_a_deep_configuration_is_no_traceback(older):
    (older / "config.json").write_text("[" * 100_000)
    refused(older, "config.json")


@pytest.mark.parametrize(
    "name", ["../../x", "..", ".x", "/x", "a/b", "a\\b", "", "a b", "a" * 101, "x\n", None, 7]
)
def test_a_name_that_is_a_path_is_refused(saved, older, name):
    config = json.loads((older / "config.json").read_text())
    config["model"]["name"] = name
    (older / "config.json").write_text(json.dumps(config))
    refused(older, "name")
    made = make()
    with pytest.raises(RunError, match="name"):
        Bundle(made.model, made.tokenizer, made.labels, config)


# model.keras


def repacked(folder, change, **options):
    """Writes model.keras anew with what `change` makes of its entries."""
    with zipfile.ZipFile(folder / "model.keras") as file:
        entries = {name: file.read(name) for name in file.namelist()}
    entries = change(entries) or entries
    with zipfile.ZipFile(folder / "model.keras", "w", **options) as file:
        for name, content in entries.items():
            file.writestr(name, content)


def with_config(change):
    def changed(entries):
        config = json.loads(entries["config.json"])
        for layer in config["config"]["layers"]:
            change(layer)
        entries["config.json"] = json.dumps(config).encode()

    return changed


def test_other_ways_of_packing_the_same_are_read(older):
    repacked(older, dict, compression=zipfile.ZIP_DEFLATED)
    bundle.load(older)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_methods_are_refused(older, method):
    repacked(older, dict, compression=method)
    refused(older, "stored or deflated")


def test_a_method_that_nobody_knows_is_refused(older):
    content = bytearray((older / "model.keras").read_bytes())
    place = content.rfind(b"PK\1\2") + 10
    content[place : place + 2] = struct.pack("<H", 77)
    (older / "model.keras").write_bytes(content)
    refused(older, "method 77")


@pytest.mark.parametrize("name", ["model.weights.h5", "config.json", "metadata.json"])
def test_a_zip_bomb_is_not_unpacked(older, name):
    def bomb(entries):
        entries[name] = bytes(300_000_000)

    repacked(older, bomb, compression=zipfile.ZIP_DEFLATED)
    refused(older, "not unpacked")


def test_an_archive_of_many_entries_or_twice_the_same_is_refused():
    def packed(names):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as file, pytest.warns(UserWarning, match="Duplicate"):
            for name in names:
                file.writestr(name, b"")
        return stream

    for names in (["a"] * 2, ["a"] * (archive.MOST_ENTRIES + 1)):
        with pytest.raises(archive.ArchiveError), archive.opened(packed(names), largest=100):
            pass


def test_arrays_that_take_more_memory_than_the_file_are_refused(older):
    def bomb(entries):
        stream = io.BytesIO(entries["model.weights.h5"])
        with h5py.File(stream, "r+") as file:
            file.create_dataset("bomb", (10**9, 100), np.float32, chunks=(1000, 100))
        entries["model.weights.h5"] = stream.getvalue()

    repacked(older, bomb)
    refused(older, "bytes of memory")


@pytest.mark.parametrize(
    ("kind", "field"),
    [("Embedding", "input_dim"), ("Embedding", "output_dim"), ("Dense", "units"), (None, "units")],
)
def test_a_layer_that_its_weights_cannot_fill_is_not_built(older, kind, field):
    def enlarge(layer):
        if layer["class_name"] == kind:
            layer["config"][field] = 10**9
        elif kind is None and layer["class_name"] == "Bidirectional":
            for way in ("layer", "backward_layer"):
                layer["config"][way]["config"]["cell"]["config"][field] = 30_000

    repacked(older, with_config(enlarge))
    refused(older, "larger layer than its weights")


def test_what_keras_cannot_load_is_one_sentence(older):
    def rename(layer):
        layer["class_name"] = "NoSuchLayer"

    repacked(older, with_config(rename))
    refused(older, r"Keras cannot load .*model\.keras")


def test_an_entry_that_does_not_belong_is_refused(older):
    repacked(older, lambda entries: {**entries, "assets/../../x": b""})
    refused(older, r"model\.keras is damaged")


def test_a_changed_byte_of_the_weights_is_told_by_the_checksum(older):
    content = bytearray((older / "model.keras").read_bytes())
    content[content.index(b"\x89HDF") + 5000] ^= 1
    (older / "model.keras").write_bytes(content)
    refused(older, r"model\.keras is damaged")
