"""`python -m zoo`, by run folder and by .tflite file."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.children import HEAVY, command, python
from tests.conftest import write_rows
from zoo import bundle
from zoo.__main__ import main
from zoo.catalogue import FAMILIES
from zoo.datasets import load_dataset

TEXTS = ["a lovely film", "the story was awful and dull", "", "it's - quite: unheard-of; é 日本"]


def ask(capsys, *arguments):
    """What `python -m zoo` prints, called in this process."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def refuse(capsys, *arguments):
    """What it complains of, and that it says so with status 2 and no traceback."""
    capsys.readouterr()
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    return err


# The catalogue


def test_list_shows_every_family_in_a_line(capsys):
    header, *lines = ask(capsys, "list").splitlines()
    assert header.split() == ["name", "cell", "gates", "parameters", "lowerings", "source"]
    names = [line.split()[0] for line in lines if line]
    assert names[: len(FAMILIES)] == list(FAMILIES)
    assert "-medium, -small, -tiny" in lines[-1]
    row = next(line for line in lines if line.startswith("peephole-bilstm "))
    columns = ["PeepholeLSTMCell", "i f o", "2,718,720", "fused loop unrolled", "Gers & Schmid"]
    assert all(column in row for column in columns)


def test_list_takes_a_pattern_over_all_sizes(capsys):
    names = [line.split()[0] for line in ask(capsys, "list", "*peephole*").splitlines()[1:]]
    assert names == zoo.list_models("*peephole*")
    assert 0 < len(names) < len(zoo.list_models())


def test_list_says_that_nothing_matches(capsys):
    assert "*transformer*" in refuse(capsys, "list", "*transformer*")


def test_show_has_equations_options_references_and_a_picture(capsys):
    model = zoo.create_model("full-peephole-bilstm-tiny", vocab_size=20_000, num_classes=2)
    shown = ask(capsys, "show", "full-peephole-bilstm-tiny")
    assert shown.startswith("full-peephole-bilstm-tiny")
    assert f"{model.count_params():,} parameters" in shown
    assert "f = σ(x W_f + h U_f + c V_f + b_f)" in shown
    assert "output_peephole:" in shown and "Olah" in shown
    assert "embedding, 32 wide" in shown and "32 units →  ← 32 units" in shown


@pytest.mark.parametrize(
    "family", [pytest.param(f, marks=() if f == "bigru" else pytest.mark.slow) for f in FAMILIES]
)
def test_every_family_can_be_shown(capsys, family):
    shown = ask(capsys, "show", f"{family}-tiny")
    assert shown.startswith(family) and " = " in shown


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("bilstmm", "bilstm"),
        ("peephole-bilstm-tinny", "peephole-bilstm-tiny"),
        ("BiLSTM", "bilstm"),
        ("bigru-large", "bigru"),
        ("peephole_bilstm", "peephole-bilstm"),
        ("xyz", "bilstm"),
        ("", "bilstm"),
        ("bilstm-", "bilstm"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(capsys, wrong, right):
    message = refuse(capsys, "show", wrong)
    assert repr(wrong) in message
    assert right in message.replace("?", "").split()


@pytest.mark.parametrize("arguments", [[], ["guess"], ["predict"], ["evaluate", "x"]])
def test_what_is_no_command_is_refused(capsys, arguments):
    assert "usage" in refuse(capsys, *arguments)


# Predict


def predictions(capsys, model, texts=TEXTS):
    return json.loads(ask(capsys, "predict", model, "--json", "--", *texts))


def test_predict_prints_a_document_of_texts_labels_and_scores(tiny_run, capsys):
    found = predictions(capsys, tiny_run)
    assert [row["text"] for row in found] == TEXTS
    for row in found:
        assert list(row) == ["text", "label", "scores", "known"]
        assert list(row["scores"]) == ["bad", "good"]
        assert row["label"] == max(row["scores"], key=row["scores"].get)
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-6)
    assert [row["label"] for row in found[:2]] == ["good", "bad"]


def test_predict_prints_a_line_a_text(tiny_run, capsys):
    lines = ask(capsys, "predict", tiny_run, *TEXTS[:2]).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("good (")
    assert lines[0].endswith(TEXTS[0])


def test_predict_says_which_text_has_no_known_word(tiny_tflite, capsys):
    known, unknown = ask(capsys, "predict", tiny_tflite, "a zzyzx film", "zzyzx").splitlines()
    assert "no known word" not in known
    assert unknown.endswith(", no known word)  zzyzx")
    shares = [row["known"] for row in predictions(capsys, tiny_tflite)]
    assert [share > 0 for share in shares] == [True, True, False, True]


def test_a_run_and_its_tflite_file_agree(tiny_run, tiny_tflite, tiny_data, capsys):
    texts = [*TEXTS, *load_dataset(tiny_data).test.texts]
    ours, theirs = (predictions(capsys, model, texts) for model in (tiny_run, tiny_tflite))
    for one, other in zip(ours, theirs, strict=True):
        assert one["label"] == other["label"]
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)


def test_a_text_of_bytes_that_are_no_utf8_is_answered(tiny_tflite, capsys):
    text = b"caf\xe9".decode("utf-8", "surrogateescape")  # as Python reads the command line
    assert predictions(capsys, tiny_tflite, [text])[0]["text"] == text


def test_predict_without_text_is_refused(tiny_run, capsys):
    assert "TEXT" in refuse(capsys, "predict", tiny_run)


@pytest.mark.parametrize("model", ["no/run", "no/file.tflite", "bilstm-tiny"])
def test_a_model_that_is_not_there_is_named(capsys, model):
    assert model in refuse(capsys, "predict", model, "a film")


def test_a_file_that_is_no_model_is_named(capsys, tmp_path):
    path = tmp_path / "notes.tflite"
    for content in (b"", b"some notes", b"\0\0\0\0TFL3" + bytes(100)):
        path.write_bytes(content)
        assert str(path) in refuse(capsys, "predict", path, "a film")


def test_a_cut_off_tflite_file_is_named(capsys, tmp_path, tiny_tflite):
    content, path = tiny_tflite.read_bytes(), tmp_path / "cut.tflite"
    for part in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(content[: int(len(content) * part)])
        assert str(path) in refuse(capsys, "predict", path, "a film")


def test_an_unfinished_run_says_how_to_go_on(capsys, tmp_path, tiny_run):
    folder = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    (folder / "model.keras").unlink()
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint" / "config.json").write_text("{}")
    assert "--resume" in refuse(capsys, "predict", folder, "a film")


# Evaluate


def evaluation(capsys, model, dataset, *more):
    return json.loads(ask(capsys, "evaluate", model, "--dataset", dataset, "--json", *more))


def figures(run):
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def test_tokens_shows_what_a_model_reads(tiny_run, tiny_tflite, capsys):
    for model in (tiny_run, tiny_tflite):
        (table,) = json.loads(ask(capsys, "tokens", model, "a lovely zzyzx film", "--json"))
        vocabulary = bundle.load(tiny_run).tokenizer.vocabulary
        assert table["text"] == "a lovely zzyzx film"
        assert table["tokens"][0] == "<START>"
        assert table["tokens"][3] == "<UNKNOWN>"
        assert table["ids"] == [vocabulary[token] for token in table["tokens"]]
        assert table["unknown"] == ["zzyzx"]
        assert table["cut"] == 0
    printed = ask(capsys, "tokens", tiny_run, "a lovely zzyzx film", "").splitlines()
    assert printed[0] == "a lovely zzyzx film"
    assert printed[1].split() == table["tokens"]
    assert printed[2].split() == [str(number) for number in table["ids"]]
    assert printed[3] == "  unknown: zzyzx"
    assert printed[5].split() == ["<START>"]


def test_tokens_says_what_is_cut(tiny_run, capsys):
    length = bundle.load(tiny_run).tokenizer.max_length
    (table,) = json.loads(ask(capsys, "tokens", tiny_run, "film " * (length + 6), "--json"))
    assert (len(table["tokens"]), table["cut"]) == (length, 7)
    assert f"cut: 7 tokens beyond {length}" in ask(
        capsys, "tokens", tiny_run, "film " * (length + 6)
    )


def test_evaluate_gives_the_figures_of_the_run(tiny_run, tiny_data, capsys):
    assert evaluation(capsys, tiny_run, tiny_data) == {
        **figures(tiny_run)["test"],
        "dataset": "films",
        "split": "test",
    }


def test_evaluate_takes_other_parts(tiny_run, tiny_data, capsys):
    found = evaluation(capsys, tiny_run, tiny_data, "--split", "valid")
    assert found == {**figures(tiny_run)["validation"], "dataset": "films", "split": "valid"}
    assert evaluation(capsys, tiny_run, tiny_data, "--split", "train")["examples"] == 48
    assert "dev" in refuse(capsys, "evaluate", tiny_run, "--dataset", tiny_data, "--split", "dev")


def test_evaluate_in_words_has_the_accuracy_and_the_number_of_texts(tiny_run, tiny_data, capsys):
    shown = ask(capsys, "evaluate", tiny_run, "--dataset", tiny_data)
    assert f"{figures(tiny_run)['test']['accuracy']:.4f}" in shown
    assert "20 texts" in shown


def test_the_tflite_file_evaluates_like_the_run(tiny_run, tiny_tflite, tiny_data, capsys):
    ours, theirs = (evaluation(capsys, model, tiny_data) for model in (tiny_run, tiny_tflite))
    assert ours["accuracy"] == theirs["accuracy"]
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)


def test_evaluate_goes_by_the_names_of_labels_not_their_order(
    tiny_run, tiny_data, tmp_path, capsys
):
    folder = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    (folder / "labels.txt").write_text("good\nbad\n")  # so that each answer is the other one
    (folder / "SHA256SUMS").unlink()
    right = evaluation(capsys, tiny_run, tiny_data)["accuracy"]
    assert evaluation(capsys, folder, tiny_data)["accuracy"] == pytest.approx(1 - right)


def relabelled(tiny_data, tmp_path, **names):
    folder = Path(shutil.copytree(tiny_data, tmp_path / "relabelled"))
    for path in folder.iterdir():
        content = path.read_text()
        for old, new in names.items():
            content = content.replace(f"{old}\t", f"{new}\t")
        path.write_text(content)
    return folder


def test_a_model_may_know_more_labels_than_the_data(tiny_data, tmp_path, capsys, tiny_run):
    loaded = bundle.load(tiny_run)
    model = zoo.create_model(
        loaded.name,
        vocab_size=loaded.tokenizer.vocabulary.size,
        num_classes=3,
        embed_dim=4,
        hidden_dim=4,
    )
    *rest, kernel, bias = loaded.model.get_weights()
    # A class before the others that no text has: the others move by one.
    kernel, bias = np.pad(kernel, ((0, 0), (1, 0))), np.concatenate([[-50], bias])
    model.set_weights([*rest, kernel, bias])
    labels = ("absent", *loaded.labels)
    bundle.Bundle(model, loaded.tokenizer, labels, loaded.config).save(tmp_path / "run")
    found = evaluation(capsys, tmp_path / "run", tiny_data)
    assert found["accuracy"] == figures(tiny_run)["test"]["accuracy"]


def test_labels_that_the_model_does_not_know_are_named(tiny_run, tiny_data, tmp_path, capsys):
    data = relabelled(tiny_data, tmp_path, bad="terrible")
    message = refuse(capsys, "evaluate", tiny_run, "--dataset", data)
    assert "terrible" in message
    assert "bad, good" in message


def test_evaluate_reads_the_validation_texts_that_the_run_held_out(tiny_run, tmp_path, capsys):
    # They are drawn by the seed. With another one, some of them are the run's training texts.
    data = write_rows(tmp_path / "one_file.tsv", 120, seed=4)
    classifier = zoo.load(tiny_run)
    losses = []
    for seed in (7, 0):  # 7 is the seed of the run
        valid = load_dataset(data, seed=seed).valid
        losses.append(classifier.evaluate(valid.texts, valid.labels)["loss"])
    assert losses[0] != losses[1]
    split = ["--split", "valid"]
    assert evaluation(capsys, tiny_run, data, *split)["loss"] == losses[0]
    assert evaluation(capsys, tiny_run, data, *split, "--seed", "0")["loss"] == losses[1]


def test_evaluate_takes_every_row(tiny_run, tiny_data, tmp_path, capsys):
    data = write_rows(tmp_path / "one_file.tsv", 30, seed=4)
    assert "--split all uses every row" in ask(capsys, "evaluate", tiny_run, "--dataset", data)
    assert evaluation(capsys, tiny_run, data, "--split", "all")["examples"] == 30
    assert evaluation(capsys, tiny_run, tiny_data, "--split", "all")["examples"] == 48 + 16 + 20
    same = ["--split", "all", "--text-column", "label"]
    assert "have to differ" in refuse(capsys, "evaluate", tiny_run, "--dataset", data, *same)
    # Too few to train on, but not to be asked.
    (tmp_path / "few.tsv").write_text("text\tlabel\na good film\tgood\n", encoding="utf-8")
    found = evaluation(capsys, tiny_run, tmp_path / "few.tsv", "--split", "all")
    assert found["examples"] == 1


def test_a_file_takes_the_validation_texts_of_its_run_or_none(
    tiny_run, tiny_tflite, tmp_path, capsys
):
    data = write_rows(tmp_path / "one_file.tsv", 120, seed=4)
    split = ["--split", "valid"]
    message = refuse(capsys, "evaluate", tiny_tflite, "--dataset", data, *split)
    assert "has no validation split" in message and "--seed" in message
    expected = evaluation(capsys, tiny_run, data, *split)
    found = evaluation(capsys, tiny_tflite, data, *split, "--seed", "7")
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    (run / "export").mkdir()
    file = Path(shutil.copy(tiny_tflite, run / "export"))
    assert evaluation(capsys, file, data, *split)["loss"] == found["loss"]


def test_data_that_are_not_there_are_named(tiny_run, capsys):
    assert "no/data.tsv" in refuse(capsys, "evaluate", tiny_run, "--dataset", "no/data.tsv")


# Without Keras


def test_the_package_is_imported_without_a_framework():
    done = python("-X", "importtime", "-c", "import zoo")
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    found = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "zoo" in found
    assert not found & HEAVY


def test_a_tflite_file_answers_without_a_framework(tiny_tflite, tiny_run, capsys):
    done, modules = command("zoo", "predict", tiny_tflite, "--json", *TEXTS[:2])
    assert done.returncode == 0, done.stderr[-3000:]
    assert not modules & HEAVY
    assert [row["label"] for row in json.loads(done.stdout)] == ["good", "bad"]


def test_a_tflite_file_is_evaluated_without_a_framework(tiny_tflite, tiny_data):
    done, modules = command("zoo", "evaluate", tiny_tflite, "--dataset", tiny_data, "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    assert not modules & HEAVY
    assert json.loads(done.stdout)["examples"] == 20


@pytest.mark.slow
def test_the_command_answers_from_a_run_folder(tiny_run):
    done = python("-m", "zoo", "predict", tiny_run, "--json", "a lovely film")
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)[0]["label"] == "good"


def test_the_command_ends_with_2_and_a_message_where_it_is_refused():
    done = python("-m", "zoo", "predict", "no/file.tflite", "a film")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("python -m zoo: ")
    assert "Traceback" not in done.stderr
