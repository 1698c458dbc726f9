"""A cell of one's own, the whole way that docs/own-cell.md shows, by its own file and commands."""

import json
import re
import shlex
import shutil
import signal

import keras
import numpy as np
import pytest

import zoo
from tests.children import HEAVY, ROOT, command, python, start
from tests.conftest import write_rows
from zoo import cells

PAGE = (ROOT / "docs" / "own-cell.md").read_text(encoding="utf-8")
# So that it takes seconds.
QUICK = "--epochs 3 --augment 0 --embed-dim 4 --hidden-dim 4 --batch-size 8 --no-tensorboard"


def commands(part):
    """The commands on the page that begin so, as arguments of Python."""
    lines = re.findall(rf"^{re.escape(f'python -m {part}')}\b.*$", PAGE, re.MULTILINE)
    assert lines, part
    return [shlex.split(line, comments=True)[1:] for line in lines]


def answered(folder, *several):
    """What commands print; they run side by side."""
    processes = [start(*arguments, cwd=folder) for arguments in several]
    shown = []
    for process in processes:
        out, errors = process.communicate(timeout=300)
        assert process.returncode == 0 and "warning" not in errors, errors
        shown.append(out)
    return shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the page's file, and a run that was killed and went on."""
    folder = tmp_path_factory.mktemp("own")
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "my_cell.py").write_text(snippet, encoding="utf-8")
    write_rows(folder / "texts.tsv", 160, 1)
    train, resume = commands("train")
    train[train.index("reviews")] = "texts.tsv"
    killed = start(*train, *QUICK.split(), cwd=folder)
    for line in killed.stdout:
        if line.startswith("Epoch 1"):
            killed.send_signal(signal.SIGTERM)
    _, errors = killed.communicate(timeout=60)
    assert killed.returncode == 143 and "--resume --output runs/leaky" in errors, errors
    (shown,) = answered(folder, resume)
    assert "Resuming after epoch 1" in shown and "Written: runs/leaky" in shown
    return folder


@pytest.fixture(scope="module")
def exported(folder):
    (export,) = commands("export")
    (shown,) = answered(folder, export)
    files = sorted(path.name for path in (folder / "runs/leaky/export").glob("*.tflite"))
    assert files == [f"leaky-birnn-small-{kind}-int8.tflite" for kind in ("loop", "unrolled")]
    assert all(file in shown for file in files)
    return folder


def test_the_run_records_what_was_imported(folder):
    config = json.loads((folder / "runs/leaky/config.json").read_text(encoding="utf-8"))
    assert config["training"]["imports"] == ["my_cell"]
    assert config["model"]["name"] == "leaky-birnn-small"
    assert "leaky integrator" in (folder / "runs/leaky/README.md").read_text(encoding="utf-8")


def test_list_and_show_know_it(folder):
    (list_,), (show,) = commands("zoo list"), commands("zoo show")
    table, page = answered(folder, list_, show)
    assert table.count("LeakyCell") == 4
    assert "h' = h + σ(a)" in page


def test_file_and_run_answer_alike(exported):
    file, run, *_ = commands("zoo predict")
    assert file[3].endswith(".tflite") and "--import" not in file and "--import" in run
    found = answered(exported, [*file, "--json"], [*run, "--json"])
    scores = [list(json.loads(one)[0]["scores"].values()) for one in found]
    np.testing.assert_allclose(scores[0], scores[1], atol=0.02)


def test_the_cell_with_a_gate_is_the_zoos():
    (snippet,) = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
    names = {"Cell": cells.Cell, "ops": keras.ops}
    exec(snippet, names)
    answers = []
    for kind in (names["UGRNNCell"], cells.UGRNNCell):
        keras.utils.set_random_seed(0)
        cell = kind(3)
        answers.append(np.asarray(cell(np.ones((2, 4), "f4"), [np.ones((2, 3), "f4")])[0]))
    np.testing.assert_array_equal(*answers)


def test_a_file_needs_neither_the_module_nor_keras(exported):
    path = exported / "runs/leaky/export/leaky-birnn-small-loop-int8.tflite"
    done, modules = command("zoo", "predict", path, "a lovely film")
    assert done.returncode == 0 and not modules & (HEAVY | {"my_cell"})


@pytest.mark.parametrize("module", ["zoo", "export"])
def test_a_run_without_its_import_is_refused_at_once(folder, module):
    asked = {
        "zoo": ["zoo", "predict", folder / "runs/leaky", "a lovely film"],
        "export": ["export", folder / "runs/leaky"],
    }
    # From its own folder, where the module is: it is not imported all the same.
    done = python("-m", *asked[module], cwd=folder)
    assert done.returncode == 2 and done.stdout == ""
    assert "Give --import my_cell, if you trust that module" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    _, modules = command(*asked[module])
    assert not modules & (HEAVY | {"my_cell"})
    with pytest.raises(ValueError, match="Give --import my_cell"):
        zoo.load(folder / "runs/leaky")


def test_a_run_that_hides_its_import_is_not_let_in(folder, tmp_path):
    run = shutil.copytree(folder / "runs/leaky", tmp_path / "run")
    (run / "SHA256SUMS").unlink()
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    del config["training"]["imports"]
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match=r"'LeakyCell' of the module 'my_cell'.*not registered"):
        zoo.load(run)


def test_an_interrupted_run_goes_on_with_its_module_elsewhere(folder, tmp_path):
    shutil.copy(folder / "my_cell.py", tmp_path / "moved.py")
    checkpoint = tmp_path / "run" / "checkpoint"
    checkpoint.mkdir(parents=True)
    settings = {"model": "leaky-birnn-small", "dataset": "none.tsv", "imports": ["my_cell"]}
    (checkpoint / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    (tmp_path / "idle.py").write_text("", encoding="utf-8")

    def resumed(*flags):
        done = python(ROOT / "train.py", "--resume", "--output", "run", *flags, cwd=tmp_path)
        assert done.returncode == 2
        return done.stderr

    assert "--import my_cell: no module 'my_cell'" in resumed()
    assert "none.tsv" in resumed("--import", "moved.py")  # it came to the data
    refusal = resumed("--import", "idle")
    assert "warning: --import idle registers no cell" in refusal
    assert "There is no model 'leaky-birnn-small'" in refusal


def test_settings_from_before_there_were_imports_are_read(tmp_path):
    from zoo.training import read_config

    (tmp_path / "checkpoint").mkdir()
    settings = {"model": "bilstm-tiny", "dataset": "reviews"}
    (tmp_path / "checkpoint" / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    assert read_config(tmp_path).imports == ()
