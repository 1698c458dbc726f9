"""`python -m studies`: the list, and that each study is found and answers fast."""

import importlib

import pytest

from studies import command
from tests.children import HEAVY
from tests.children import command as in_process
from zoo import __main__ as zoo_command


def test_the_list_names_every_study(capsys):
    assert command.main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in command.STUDIES)


def test_a_wrong_name_is_refused_with_the_nearest(capsys):
    for name, hint in (("leadrboard", "Did you mean leaderboard?"), ("xyz", "There are accuracy")):
        with pytest.raises(SystemExit, match="2"):
            command.main([name])
        assert hint in capsys.readouterr().err


@pytest.mark.parametrize("name", command.STUDIES)
def test_help_comes_without_a_framework(name):
    done, modules = in_process("studies", name, "--help")
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"python -m studies {name}" in done.stdout and "--output" in done.stdout
    assert done.stderr == ""
    assert not modules & HEAVY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["accuracy", "no/run"], "There is no folder no/run"),
        (["export-catalogue", "no/data"], "no/data"),
        (["export-catalogue", "no/data", "bilstn"], "did you mean bilstm?"),
        (["brought", "no such kind"], "no kind has 'no such kind'"),
        (["first-hour", "no/data"], "no/data/snips has no train.tsv"),
        (["first-hour", "no/data", "--sets", "snips"], "'snips' is not a data set"),
        (["leaderboard", "no/data"], "no/data is not a folder"),
        (["leaderboard", "--families", "bilstn"], "did you mean bilstm?"),
        (["speed", "nope"], "no study 'nope'"),
        (["training-speed", "bigur"], "bigur"),
    ],
)
def test_wrong_arguments_are_refused_without_a_framework(arguments, message):
    done, modules = in_process("studies", *arguments)
    assert done.returncode == 2, done.stderr[-2000:]
    assert message in done.stderr and "Traceback" not in done.stderr
    assert not modules & HEAVY


@pytest.mark.parametrize("name", zoo_command.STUDIES)
def test_the_commands_of_zoo_hand_over_all_their_arguments(name, monkeypatch):
    handed = []
    monkeypatch.setattr(command, "run", lambda *given: handed.append(given) or 0)
    words = ["a", "--data", "x y", "b", "--d", "-5", "--output=there", "--help"]
    assert zoo_command.main([name, *words]) == 0
    assert zoo_command.main([name]) == 0
    study, prog = zoo_command.STUDIES[name][0], f"python -m zoo {name}"
    assert handed == [(study, words, prog), (study, [], prog)]
    assert study in command.STUDIES


def test_other_commands_of_zoo_take_no_more_than_their_flags(capsys):
    with pytest.raises(SystemExit, match="2"):
        zoo_command.main(["list", "--rounds=3"])
    assert "unrecognized arguments: --rounds=3" in capsys.readouterr().err


def test_every_study_can_be_run():
    for study in command.STUDIES.values():
        module = importlib.import_module(study.module)
        assert module.__doc__ and callable(module.run) and callable(module.add_arguments)
