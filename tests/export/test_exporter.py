"""From a model to files and their manifest."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest

import export
from export import exporter, questions
from export.__main__ import main
from export.tflite import forms
from export.verification import PrecisionError, VerificationError, verify
from tests.export.models import bundle, classifier
from zoo import litert
from zoo.bundle import load


def test_files_and_manifest(tmp_path):
    source = bundle(num_layers=2)
    written = export.export_model(source, tmp_path, lowering="loop", precision="all")
    names = [f"peephole-bilstm-loop-{p}.tflite" for p in ("float32", "float16", "int8")]
    assert [file.path for file in written] == names
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, "manifest.json"])
    rows = {r["path"]: r for r in json.loads((tmp_path / "manifest.json").read_text())["files"]}
    for name in names:
        content, row = (tmp_path / name).read_bytes(), rows[name]
        assert row["bytes"] == len(content)
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["lowering"] == "loop" and name.endswith(f"{row['precision']}.tflite")
        assert row["operators"]["WHILE"] == 4 and row["subgraphs"] == 9
        assert row["verified"]["texts"] >= 200
    assert rows[names[0]]["verified"]["largest_difference"] < 1e-4
    assert rows[names[2]]["verified"]["label_agreement"] >= 0.99


@pytest.mark.slow
def test_same_model_gives_the_same_bytes(tmp_path):
    source = bundle()
    for folder in ("a", "b"):
        export.export_model(source, tmp_path / folder, precision="int8")
    a, b = (sorted((tmp_path / folder).glob("*.tflite")) for folder in ("a", "b"))
    assert [path.name for path in a] == [path.name for path in b]
    assert [path.read_bytes() for path in a] == [path.read_bytes() for path in b]


@pytest.mark.parametrize(
    ("name", "automatic", "every"),
    [
        ("bilstm", ["fused", "loop"], ["fused", "loop", "unrolled"]),
        ("bigru", ["unrolled", "loop"], ["loop", "unrolled"]),
    ],
)
def test_what_auto_and_all_stand_for(tmp_path, name, automatic, every):
    source = bundle(name, max_length=6)
    for lowering, expected in (("auto", automatic), ("all", every)):
        written = export.export_model(source, tmp_path, lowering=lowering)
        assert [file.lowering for file in written] == expected
        assert all(file.precision == "int8" for file in written)
        assert all(file.subgraphs == 1 for file in written if file.lowering != "loop")


def places(told):
    """The files of the lines that warnings point to."""
    return [warning.filename for warning in told if warning.category is UserWarning]


def test_unrolling_that_takes_much_memory_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "MUCH_MEMORY", 10_000)
    source = bundle("bigru", max_length=30, num_layers=2)
    with pytest.warns(
        UserWarning, match=r"bigru, unrolled, .* 30 steps .* lowering 'loop'"
    ) as told:
        (file,) = export.export_model(source, tmp_path, lowering="unrolled", precision="float32")
    assert places(told) == [__file__]
    steps = 30 * 2 * 2 * 5 * 15  # steps, layers, directions, units, gates
    once = 4 * (2 * 6 * 15 + 2 * 10 * 15 + 10 * 3)
    assert file.packed_bytes == 4 * steps + once


def test_file_answers_texts_as_the_model(tmp_path):
    source = bundle()
    export.export_model(source, tmp_path, precision="float32")
    asked = ["", "Good film!", "never GOOD", "not in the vocabulary", "very " * 100]
    from_file = litert.load(tmp_path / "peephole-bilstm-loop-float32.tflite")
    assert from_file.labels == source.labels
    np.testing.assert_allclose(
        from_file.scores(asked), source.classifier().scores(asked), atol=1e-5
    )


@pytest.mark.slow
def test_shorter_texts_on_request(tmp_path):
    export.export_model(bundle(), tmp_path, precision="float32", max_length=7)
    path = tmp_path / "peephole-bilstm-loop-float32.tflite"
    assert litert.load(path).tokenizer.max_length == 7


def test_keras_model_without_a_tokenizer(tmp_path):
    file, _ = export.export_model(classifier("bigru"), tmp_path, max_length=9)
    assert file.path == "bigru-unrolled-int8-bare.tflite"
    with pytest.raises(litert.ModelFileError, match="no metadata"):
        litert.load(tmp_path / file.path)
    with pytest.raises(ValueError, match="max_length, the number of ids"):
        export.export_model(classifier("bigru"), tmp_path)
    with pytest.raises(ValueError, match="folder is needed"):
        export.export_model(classifier("bigru"), max_length=9)


def test_nothing_is_left_of_a_wrong_file(tmp_path, monkeypatch):
    find = forms.find

    def wrong(lowering, precision):
        form = find(lowering, precision)

        def shrink(model):
            form.shrink(model)
            head = model.graphs[0].operators[-2].inputs[1]
            head.data = -head.data

        return dataclasses.replace(form, shrink=shrink)

    monkeypatch.setattr(forms, "find", wrong)
    with pytest.raises(VerificationError):
        export.export_model(bundle(), tmp_path, precision="float32")
    assert list(tmp_path.iterdir()) == []


def test_wrong_names_are_refused_before_any_work(tmp_path):
    with pytest.raises(ValueError, match=r"lowering must be one of auto, .*, all, not 'flat'"):
        export.export_model(tmp_path / "nothing", lowering="flat")
    with pytest.raises(ValueError, match="precision must be one of float32"):
        export.export_model(tmp_path / "nothing", precision="int4")


def test_made_up_texts_cover_what_goes_wrong():
    tokenizer = bundle().tokenizer
    asked = questions.made_up(tokenizer)
    ids = tokenizer.encode(asked)
    lengths = np.count_nonzero(ids, axis=1)
    assert len(asked) >= 200
    assert {1, 2, tokenizer.max_length} <= set(lengths.tolist())
    assert max(len(tokenizer.split(text)) for text in asked) > tokenizer.max_length
    unknown = (ids[:, 1:] == tokenizer.vocabulary.unknown) | (ids[:, 1:] == 0)
    assert (unknown.all(axis=1) & (lengths > 1)).any()
    assert asked == questions.made_up(tokenizer)


@pytest.mark.parametrize(("count", "asked"), [(1000, 256), (100, 100), (0, 0)])
def test_real_texts_are_asked_beside_made_up_ones(tmp_path, count, asked):
    run, real = bundle(), [f"good film {n}" for n in range(count)]
    (file,) = export.export_model(run, tmp_path, lowering="fused", precision="float32", texts=real)
    assert file.verified.real_texts == asked
    assert file.verified.texts >= 256 and file.verified.texts - asked >= 64


def test_a_run_is_verified_by_the_texts_that_it_kept(tmp_path, tiny_run):
    (file,) = export.export_model(tiny_run, tmp_path, lowering="loop", precision="float32")
    assert file.verified.real_texts == 16 + 48
    # Learnt on 48 texts, asked 64: the figures are those of the texts' own labels.
    kept, classifier_ = load(tiny_run).samples, load(tiny_run)
    ids = np.concatenate([kept.valid, kept.train])
    labels = np.concatenate([kept.valid_labels, kept.train_labels])
    right = classifier_.probabilities(ids).argmax(axis=1) == labels
    assert file.verified.keras_accuracy == pytest.approx(right.mean())
    shorter, *_ = export.export_model(tiny_run, tmp_path, lowering="loop", max_length=5)
    assert shorter.verified.real_texts == 64


def test_opening_a_run_opens_no_data_set(tmp_path, tiny_run, monkeypatch):
    def opened(*_, **__):
        raise AssertionError("a data set was opened")

    monkeypatch.setattr("zoo.datasets.load_dataset", opened)
    assert main([str(tiny_run), "--output", str(tmp_path), "--lowering", "loop"]) == 0


def test_a_finer_precision_takes_the_place_of_one_that_changes_labels(tmp_path, monkeypatch):
    def broken(content, reference, ids, **options):
        if options["precision"] == "int8" and not options.get("force"):
            raise PrecisionError("int8 changes too much.")
        return verify(content, reference, ids, **options)

    monkeypatch.setattr(exporter, "verify", broken)
    with pytest.warns(
        UserWarning, match="int8 changes too much. Written as float16 instead"
    ) as told:
        (file,) = export.export_model(bundle(), tmp_path, lowering="loop")
    assert places(told) == [__file__]
    assert file.path == "peephole-bilstm-loop-float16.tflite"
    # It is written once, not in the place of both.
    with pytest.warns(UserWarning, match="float16 instead"):
        files = export.export_model(bundle(), tmp_path, lowering="loop", precision="all")
    assert [file.precision for file in files] == ["float32", "float16"]
    (file,) = export.export_model(bundle(), tmp_path, lowering="loop", force=True)
    assert file.precision == "int8"
