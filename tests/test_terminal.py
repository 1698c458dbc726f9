"""What the commands show on a terminal and elsewhere, and how they end."""

import os
import re
import signal
import time

import pytest

import export
import zoo
from tests.children import HEAVY, command, on_terminal, python, start
from zoo import terminal
from zoo.terminal import display

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and pseudo-terminals")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # all but line feeds


# Fast answers: no framework is imported


def refused(name, *arguments):
    """The message of a refusal that needs no framework."""
    done, modules = command(name, *arguments)
    assert done.returncode == 2, done.stderr[-2000:]
    assert done.stdout == ""
    assert not modules & HEAVY
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["train.py", "--help"], "--dataset"),
        (["zoo", "--help"], "evaluate"),
        (["zoo", "predict", "--help"], "TEXT"),
        (["zoo", "list"], "peephole-bilstm"),
        (["zoo", "list", "*gru*"], "bigru-tiny"),
        (["zoo", "list", "--pretrained"], "sms-spam"),
        (["zoo", "show", "bilstm-small"], "parameters with 20,000 token ids"),
        (["zoo", "show", "sms-spam"], "sms-spam"),
        (["export", "--help"], "--lowering"),
        (["export.benchmark", "--help"], "--rounds"),
    ],
)
def test_frequent_commands_import_no_framework(arguments, shown):
    done, modules = command(*arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    assert shown in done.stdout
    assert done.stderr == ""
    assert not modules & HEAVY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train.py", "--model", "bilstn", "--dataset", "reviews"], "Did you mean bilstm"),
        (["train.py", "--modle", "bilstm"], "--modle"),
        (["train.py", "--model", "bilstm"], "--dataset"),
        (["train.py", "--model", "bilstm", "--dataset", "no.csv"], "no.csv: no such file"),
        (["train.py", "--resume", "--output", "no/run"], "nothing to resume"),
        (["zoo", "show", "nope"], "no model 'nope'"),
        (["zoo", "predict", "no.tflite", "a"], "no model no.tflite"),
        (["zoo", "predict", "no/run", "a"], "no model no/run"),
        (["zoo", "evaluate", "no/run", "--dataset", "x"], "no model no/run"),
        (["zoo", "import", "no.pt", "--vocab", "v", "--labels", "l", "--output", "o"], "no.pt"),
        (["zoo", "training-speed", "nope"], "no model 'nope'"),
        (["zoo", "compare", "--dataset", "no.csv"], "no.csv: no such file"),
        (["export", "no/run"], "no model no/run"),
        (["export", "no/run", "--lowering", "folded"], "folded"),
        (["export.benchmark", "nope"], "no study 'nope'"),
    ],
)
def test_wrong_commands_are_refused_before_a_framework_is_imported(arguments, message):
    stderr = refused(*arguments)
    assert message in stderr
    assert "Traceback" not in stderr


def training(dataset, *more):
    return ["train.py", "--model", "bilstm-tiny", "--dataset", dataset, *more]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"sentence,label\nfine,good\n", "'text'"),
        (b"text,label\ncaf\xe9,good\n", "0xe9"),
        (b"text,label\n", "no rows"),
    ],
)
def test_a_bad_file_is_refused_without_a_framework(tmp_path, content, message):
    path = tmp_path / "films.csv"
    path.write_bytes(content)
    stderr = refused(*training(path))
    assert str(path) in stderr and message in stderr


@pytest.mark.parametrize(
    ("flag", "name", "more"),
    [
        ("--vectors", "no.txt", []),
        ("--init", "no/run", []),
        ("--unlabelled", "no.txt", ["--pretrain", "1"]),
        ("--unlabelled", "no.tsv", ["--pretrain", "1"]),
        ("--teacher", "no.tflite", []),
    ],
)
def test_missing_files_are_refused_as_early(tiny_data, flag, name, more):
    assert name in refused(*training(tiny_data, flag, name, *more))


def test_a_finished_run_is_not_overwritten_and_data_are_read_before_the_model(tiny_data, tiny_run):
    assert "finished run" in refused(*training(tiny_data, "--output", tiny_run))
    assert "no.csv" in refused("zoo", "evaluate", tiny_run, "--dataset", "no.csv")


def test_the_packages_name_what_they_offer():
    assert {"Classifier", "create_model", "list_models", "load"} <= set(dir(zoo))
    assert set(export.__all__) <= set(dir(export))
    assert all(hasattr(module, name) for module in (zoo, export) for name in dir(module))


# Silence


def without_progress(text):
    """Standard error but for the lines that come where work takes longer than ten seconds."""
    return "".join(
        line for line in text.splitlines(keepends=True) if not re.search(r": .*\d+ s$", line)
    )


def test_training_is_quiet_and_plain_where_it_is_piped(tiny_data, tmp_path):
    run = tmp_path / "run"
    flags = ["--epochs", 2, "--max-length", 8, "--output", run, "--no-tensorboard"]
    done = python(*training(tiny_data, *flags))
    assert done.returncode == 0, done.stderr[-2000:]
    assert without_progress(done.stderr) == ""
    assert not CONTROL.search(done.stdout)
    number = r"\d+\.\d{4}"
    lines = re.findall(
        rf"^Epoch (\d) of 2: loss {number}, accuracy {number}, validation loss {number}, "
        rf"validation accuracy {number}, \d+\.\d s$",
        done.stdout,
        re.MULTILINE,
    )
    assert lines == ["1", "2"]


def test_export_is_quiet(tiny_run, tmp_path):
    done = python("-m", "export", tiny_run, "--output", tmp_path, "--precision", "float32")
    assert done.returncode == 0, done.stderr[-2000:]
    assert without_progress(done.stderr) == ""
    assert "Written" in done.stdout and not CONTROL.search(done.stdout)


def test_predict_is_quiet_but_for_debug(tiny_tflite):
    done = python("-m", "zoo", "predict", tiny_tflite, "a lovely film")
    assert (done.returncode, done.stderr) == (0, "")
    loud = python("-m", "zoo", "predict", tiny_tflite, "a lovely film", "--debug")
    assert loud.stdout == done.stdout
    assert "XNNPACK" in loud.stderr


@pytest.mark.slow
def test_a_run_folder_is_asked_quietly(tiny_run, tiny_data):
    for arguments in (
        ["predict", tiny_run, "a film"],
        ["evaluate", tiny_run, "--dataset", tiny_data],
    ):
        done = python("-m", "zoo", *arguments)
        assert (done.returncode, without_progress(done.stderr)) == (0, "")
    assert "TensorFlow" in python("-m", "zoo", "predict", tiny_run, "a film", "--debug").stderr


@pytest.mark.slow
def test_data_are_prepared_quietly(tmp_path):
    flags = ["--epochs", 1, "--limit", 40, "--output", tmp_path / "run"]
    done = python(*training("reviews", *flags), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert (done.returncode, without_progress(done.stderr)) == (0, "")


# A command whose library is as loud as TensorFlow

LIBRARY = """
import logging, os, warnings
os.write(2, b"noise of the library\\n")
warnings.warn("a warning of the library")
logging.error("a record of the library")
"""


@pytest.fixture
def program(tmp_path):
    """Writes a command that imports the library and then does something; gives its path."""
    (tmp_path / "mediapipe.py").write_text(LIBRARY)

    def write(*lines):
        path = tmp_path / "program.py"
        body = "\n".join(f"    {line}" for line in lines)
        path.write_text(
            "import argparse, os, sys, time, warnings\n"
            "from pathlib import Path\n"
            "from zoo import terminal\n"
            "def main():\n"
            "    parser = argparse.ArgumentParser()\n"
            "    terminal.add_debug(parser)\n"
            "    parser.parse_args()\n"
            "    import mediapipe\n"
            f"{body}\n"
            "    return 0\n"
            "terminal.run(main, 'program')\n"
        )
        return path

    return write


def test_what_libraries_write_is_hidden_and_what_the_command_writes_arrives(program):
    path = program("print('error of ours', file=sys.stderr)", "print('answer')")
    done = python(path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "answer\n", "error of ours\n")
    loud = python(path, "--debug").stderr
    assert all(f"{kind} of the library" in loud for kind in ("noise", "a warning", "a record"))


def test_own_warnings_arrive_as_a_line(program):
    done = python(
        program(
            "import zoo.files",
            "warnings.warn_explicit('much memory', UserWarning, zoo.files.__file__, 1)",
        )
    )
    assert done.stderr == "program: warning: much memory\n"


def test_an_error_that_nobody_thought_of_is_one_line(program):
    path = program("raise KeyError('a name')")
    done = python(path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "program: KeyError: 'a name'" in done.stderr and "--debug" in done.stderr
    assert "Traceback" in python(path, "--debug").stderr


@pytest.mark.parametrize("end", ["os.abort()", "os.kill(os.getpid(), 9)", "os._exit(3)"])
def test_what_a_library_wrote_before_a_crash_is_not_lost(program, end):
    done = python(program("os.write(2, b'CHECK failed\\n')", end))
    assert done.returncode not in (0, 1, 2)
    assert "noise of the library\nCHECK failed\n" in done.stderr


def test_a_traceback_of_a_fatal_signal_is_not_lost(program):
    done = python("-X", "faulthandler", program("import ctypes", "ctypes.string_at(0)"))
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr and "program.py" in done.stderr


def test_a_refusal_has_status_2(capsys):
    def refuse(reason):
        raise ValueError(reason)

    assert terminal.refusing("program", refuse, "no such file") == 2
    assert capsys.readouterr().err == "program: no such file\n"
    assert terminal.refusing("program", print, "done") == 0
    with pytest.raises(KeyError):
        terminal.refusing("program", {}.__getitem__, "name")


# Signals


def ended_by(number, path):
    """Status, standard output and error of a program that gets a signal once it says so."""
    process = start(path)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def trying(*rest):
    """A program that can be interrupted while it sleeps."""
    return ["try:", "    print('ready', flush=True)", "    time.sleep(50)", *rest]


both_signals = pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)


@both_signals
def test_a_signal_ends_a_command_after_it_has_cleaned_up(program, number, status):
    path = program(*trying("finally:", "    print('clean')"))
    assert ended_by(number, path) == (status, "clean\n", "program: interrupted.\n")


@both_signals
def test_a_signal_while_something_is_imported_is_not_lost(program, tmp_path, number, status):
    (tmp_path / "careless.py").write_text(
        "import time\nprint('ready', flush=True)\n"
        "try:\n    time.sleep(1)\nexcept BaseException:\n    raise ImportError('of a part')\n"
    )
    path = program("import careless", "print('imported')", "time.sleep(50)")
    assert ended_by(number, path) == (status, "imported\n", "program: interrupted.\n")


@both_signals
def test_a_signal_that_a_library_swallows_is_not_lost(program, number, status):
    path = program(*trying("except BaseException:", "    pass", "time.sleep(50)"))
    assert ended_by(number, path) == (status, "", "program: interrupted.\n")


def test_a_signal_does_not_come_again_while_something_is_saved(program):
    path = program(*trying("finally:", "    time.sleep(1.5)", "    print('saved')"))
    assert ended_by(signal.SIGINT, path) == (130, "saved\n", "program: interrupted.\n")


def test_what_a_library_makes_of_a_signal_is_no_error(program):
    lines = trying("except BaseException:", "    raise OSError('broken')")
    path = program(
        "def work():",
        *(f"    {line}" for line in lines),
        "return terminal.refusing('program', work)",
    )
    assert ended_by(signal.SIGINT, path) == (130, "", "program: interrupted.\n")


def test_a_signal_that_is_ignored_stays_ignored(program):
    path = program("print('ready', flush=True)", "time.sleep(0.5)", "print('done')")
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "os.execv(sys.executable, [sys.executable, sys.argv[1]])"
    )
    process = start("-c", ignoring, path)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("done\n", "")
    assert process.returncode == 0


@both_signals
def test_training_says_how_to_go_on(tiny_data, tmp_path, number, status):
    run = tmp_path / "a run"
    flags = map(str, ["--epochs", 1000, "--patience", 1000, "--output", run, "--no-tensorboard"])
    process = start(*training(tiny_data, *flags))
    deadline = time.monotonic() + 120
    while not (run / "checkpoint" / "config.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == status
    assert without_progress(stderr) == (
        f"train.py: interrupted; resume with: python train.py --resume --output '{run}'\n"
    )


def test_training_says_that_nothing_was_kept(tiny_data, tmp_path):
    kill = (
        "import os, runpy, signal, sys\n"
        "from zoo.training import folder\n"
        "folder.begin = lambda *_: os.kill(os.getpid(), signal.SIGTERM)\n"
        "runpy.run_path('train.py', run_name='__main__')\n"
    )
    _, *arguments = training(tiny_data, "--output", tmp_path / "run")
    done = python("-c", kill, *arguments)
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr == "train.py: interrupted; nothing was kept.\n"


@pytest.mark.parametrize(
    "arguments", [["-m", "zoo", "list", "*"], ["train.py", "--help"], ["-m", "zoo", "--help"]]
)
def test_a_closed_pipe_is_no_complaint(arguments):
    process = start(*arguments)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) in (0, 141)


# Progress

WORK = [
    "from zoo.terminal import display",
    "display.FIRST, display.EVERY, display.EVERY_PIPED = 0.0, 0.01, 0.05",
    "with terminal.progress('Answering texts', 30):",
    "    for _ in range(30):",
    "        terminal.advance()",
    "        time.sleep(0.02)",
    "        if _ == 20: terminal.say('a line')",
    "print('done')",
]


def test_progress_on_a_terminal_is_a_line_that_is_rewritten_and_erased(program):
    status, shown = on_terminal(program(*WORK))
    assert status == 0
    states = re.findall(r"\r\x1b\[KAnswering texts: (\d+) of 30, \d s", shown)
    assert len(states) > 5 and states == sorted(states, key=int)
    assert "\r\x1b[Ka line\r\n" in shown
    assert shown.endswith("\r\x1b[Kdone\r\n")


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_progress_on_a_plain_terminal_is_lines(program, changes):
    status, shown = on_terminal(program(*WORK), **changes)
    assert status == 0
    assert not CONTROL.search(shown.replace("\r\n", "\n"))
    assert shown.count("Answering texts: ") > 2


def test_progress_is_lines_of_standard_error_where_it_is_piped(program):
    done = python(program(*WORK))
    assert done.stdout == "a line\ndone\n"
    lines = done.stderr.splitlines()
    assert 2 < len(lines) < 15
    assert all(re.fullmatch(r"Answering texts: \d+ of 30, \d s", line) for line in lines)


def test_what_is_soon_over_shows_no_progress(program):
    path = program(
        "from zoo.terminal import display",
        "display.EVERY = 0.01",
        "with terminal.progress('Reading'): time.sleep(0.2)",
        "print('done')",
    )
    assert on_terminal(path) == (0, "done\r\n")


def test_a_library_shows_no_progress(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        "import time\nfrom zoo import terminal\nfrom zoo.terminal import display\n"
        "display.FIRST = display.EVERY = display.EVERY_PIPED = 0.01\n"
        "with terminal.progress('Reading', 3):\n    terminal.advance()\n    time.sleep(0.2)\n"
    )
    done = python(path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nested_progress_counts_what_is_innermost(capsys):
    works = display._display.works
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(display._display, "shown", True)
        with terminal.progress("outer", 5):
            terminal.advance(2)
            with terminal.progress("inner", 9):
                terminal.advance(3)
                assert works[-1].line().startswith("inner: 3 of 9, ")
            assert works[-1].line().startswith("outer: 2 of 5, ")
        assert not works
    terminal.advance()  # which nobody counts


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "bar"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_training_draws_a_bar_on_a_terminal_that_may_be_drawn_on(tiny_data, tmp_path, changes, bar):
    flags = map(str, ["--epochs", 1, "--output", tmp_path / "run", "--no-tensorboard"])
    status, shown = on_terminal(*training(tiny_data, *flags), **changes)
    assert status == 0
    assert bool(CONTROL.search(shown.replace("\r\n", "\n"))) is bar
    assert ("Epoch 1 of 1: loss" in shown) is not bar


def test_answers_are_counted_as_they_come(tiny_tflite, tiny_run, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(display._display, "shown", True)
        for model in (tiny_tflite, tiny_run):
            with terminal.progress("Answering texts", 3):
                zoo.load(model).predict(["a", "b", "c"])
                assert display._display.works[-1].done == 3
