"""Sealed files: damage shows, and other readers take them as before."""

import hashlib
import io
import shutil
import subprocess
import zipfile

import numpy as np
import pytest

import export
import zoo
from export.tflite.metadata import add_metadata
from tests.echo_model import echo_model
from tests.export.models import bundle
from zoo import litert, pretrained, seal
from zoo.text import Tokenizer, Vocabulary

PLAIN = add_metadata(
    echo_model(3),
    name="echo",
    description="",
    tokenizer=Tokenizer(Vocabulary.from_texts(["a film"], size=20), 3),
    labels=["a", "b", "c"],
)


@pytest.mark.parametrize("content", [PLAIN, echo_model(3)], ids=["metadata", "bare"])
def test_a_seal_is_the_comment_of_the_archive(content):
    sealed = seal.seal(content)
    assert seal.is_sealed(sealed) and not seal.is_sealed(content)
    assert seal.seal(sealed) == sealed
    digits = sealed[-64:]
    assert hashlib.sha256(sealed[:-64]).hexdigest().encode() == digits
    with zipfile.ZipFile(io.BytesIO(sealed)) as archive:
        assert archive.comment == seal.PREFIX + digits
        assert archive.testzip() is None
        assert archive.namelist() == (["vocab.txt", "labels.txt"] if content == PLAIN else [])
    # All but the length of the comment is as it was.
    before = content[: (seal.archive_comment(content) is not None and -2) or None]
    assert sealed.startswith(before)


def test_every_changed_byte_of_a_sealed_file_is_told_or_changes_nothing():
    sealed = seal.seal(PLAIN)
    prefix = range(len(sealed) - 64 - len(seal.PREFIX), len(sealed) - 64)
    for place in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[place] ^= 1 << place % 8
        if place in prefix:  # it has no seal then, and all else is as it was
            assert not seal.is_sealed(bytes(damaged))
            continue
        with pytest.raises(ValueError, match="damaged"):
            seal.is_sealed(bytes(damaged))


def test_a_file_that_is_cut_or_longer_is_refused():
    sealed = seal.seal(PLAIN)
    for wrong in (*(sealed[:-n] for n in range(1, 200)), sealed + b"\0", sealed + b"x" * 1000):
        with pytest.raises(litert.ModelFileError, match=r"some\.tflite: "):
            litert.load_content(wrong, "some.tflite")


def test_a_comment_of_another_program_is_kept():
    stream = io.BytesIO(PLAIN)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"made elsewhere"
    with pytest.raises(ValueError, match="made elsewhere"):
        seal.seal(stream.getvalue())


def test_exported_files_are_sealed(tmp_path):
    for metadata in (True, False):
        (file,) = export.export_model(bundle(), tmp_path, lowering="loop", metadata=metadata)
        content = (tmp_path / file.path).read_bytes()
        assert seal.is_sealed(content)
        assert file.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", pretrained.names())
def test_shipped_files_are_sealed(name):
    assert seal.is_sealed(pretrained.file(name).read_bytes())


def unsealed(content: bytes) -> bytes:
    """The file as it was before it was sealed."""
    return content[: -len(seal.PREFIX) - seal.DIGITS - 2] + b"\0\0"


@pytest.mark.parametrize("name", pretrained.names())
def test_mediapipe_answers_the_same_with_and_without_a_seal(name):
    pytest.importorskip("mediapipe.tasks.python.text", reason="mediapipe is not installed")
    from studies.clients import ask_mediapipe, mediapipe_classifier

    texts = ["what a fine day", "", "Call now to win a FREE prize!!! Txt WIN to 80082"]
    sealed = pretrained.file(name).read_bytes()
    plain = unsealed(sealed)
    assert seal.seal(plain) == sealed
    labels = zoo.load(name).labels
    answers = []
    for content in (plain, sealed):
        with mediapipe_classifier(content) as client:
            answers.append(ask_mediapipe(client, texts, labels))
    np.testing.assert_array_equal(*answers)


def test_a_file_without_a_seal_is_asked_in_a_process_of_its_own(monkeypatch):
    asked = []
    monkeypatch.setattr(litert.probe, "ask", lambda *given: asked.append(given))
    content = pretrained.file("sms-spam").read_bytes()
    sealed = litert.load_content(content, "x").predict(["win a prize"])
    assert asked == []
    assert litert.load_content(unsealed(content), "x").predict(["win a prize"]) == sealed
    assert [given[0] for given in asked] == [unsealed(content)]


def test_what_a_shipped_model_goes_on_from_is_checked(tmp_path, monkeypatch):

    shutil.copytree(pretrained.FOLDER / "sms-spam", tmp_path / "sms-spam")
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert pretrained.load("sms-spam").labels == ("ham", "spam")
    weights = tmp_path / "sms-spam" / pretrained.WEIGHTS
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.npz is damaged"):
        pretrained.load("sms-spam")


def test_unzip_reads_a_sealed_file(tmp_path):
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not installed")
    (tmp_path / "model.zip").write_bytes(seal.seal(PLAIN))
    done = subprocess.run(
        ["unzip", "-p", "model.zip", "labels.txt"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.stdout == b"a\nb\nc\n"
