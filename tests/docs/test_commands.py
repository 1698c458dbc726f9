"""The commands of README and docs/ are ones that the real parsers take."""

import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import train
from tests.docs.pages import ROOT, commands, read
from zoo import __main__ as zoo_main
from zoo import catalogue, models, pretrained, terminal

COMMANDS = commands()
# Commands that measure for minutes: they are asked for help, which they give after they have found
# what is to be measured.
MEASURES = ("studies", "export.benchmark")
WITHOUT_FLAGS = ("docs.imports", "docs.tables", "pytest", "recipes.data", "zoo.parameters")
ELSEWHERE = {"sha256sum", ".", ".venv/bin/pre-commit"}  # programs that are not the project's


def parts(line: str) -> list[list[str]]:
    """The commands of a line, as words, without what they set in their environment."""
    found: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word == "&&":
            found.append([])
        elif found[-1] or not re.fullmatch(r"[A-Z_]+=.*", word):
            found[-1].append(word)
    return [words for words in found if words]


def check(words: list[str], monkeypatch) -> None:
    """Raises `AssertionError` if a command would be refused as it is written."""
    program, *arguments = words
    if Path(program).name == "python":
        check_python(arguments, monkeypatch)
    elif program == "make":
        check_make(arguments)
    elif program == "pip":
        check_pip(arguments)
    else:
        assert program in ELSEWHERE, program


def check_python(arguments: list[str], monkeypatch) -> None:
    if arguments[0] == "train.py":
        if arguments[1:]:
            parse(train.main, arguments[1:], monkeypatch)
        check_model(arguments, "--model", catalogue.list_models())
        return
    assert arguments[0] == "-m", arguments
    module, *rest = arguments[1:]
    if module == "train":
        assert 'py-modules = ["train"]' in read(ROOT / "pyproject.toml")
        check_python(["train.py", *rest], monkeypatch)
    elif module == "zoo":
        parse(zoo_main.main, rest, monkeypatch)
        known = pretrained.names()
        if rest[0] in ("predict", "evaluate"):
            check_name(rest[-2] if rest[0] == "predict" else rest[1], known, rest)
        elif rest[0] == "show":
            check_name(rest[-1], known + catalogue.list_models(), rest)
    elif module == "export":
        parse(importlib.import_module("export.__main__").main, rest, monkeypatch)
        if Path(rest[0]).suffix not in models.KERAS_ENDINGS:  # a file of one's own
            check_name(rest[0], pretrained.names(), rest)
    elif module in MEASURES:
        command = [sys.executable, "-m", module, *rest, "--help"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-500:]
    elif module != "venv":
        assert module in WITHOUT_FLAGS and importlib.util.find_spec(module)


def parse(main, arguments: list[str], monkeypatch) -> None:
    """Calls a command that ends where its work would begin."""
    begun = []
    with monkeypatch.context() as patch:
        patch.setattr(terminal, "refusing", lambda *given: begun.append(given) or 0)
        patch.setitem(os.environ, "KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "tensorflow"))
        try:
            assert main(arguments) == 0
        except SystemExit as stop:
            assert stop.code == 0 and "--help" in arguments, f"refused, status {stop.code}"
            return
    assert begun


def check_model(arguments: list[str], flag: str, known: list[str]) -> None:
    if flag in arguments:
        check_name(arguments[arguments.index(flag) + 1], known, arguments)


def check_name(name: str, known: list[str], arguments: list[str]) -> None:
    """A placeholder, a path, a name that `--import` brings, or one that there is."""
    if name.isupper() or "/" in name or name.startswith("-") or "--import" in arguments:
        return
    assert name in known, name


def check_make(arguments: list[str]) -> None:
    file = ROOT / "Makefile"
    if arguments[:1] == ["-f"]:
        path = arguments[1].replace("NAME", "common")
        assert (ROOT / path).is_file(), path
        file, arguments = ROOT / "recipes" / "common.mk", arguments[2:]
    targets = set(re.findall(r"^([a-z-]+):", read(file), re.MULTILINE))
    for word in arguments:
        assert word in targets or re.fullmatch(r"[A-Z_]+=.*", word), word


def check_pip(arguments: list[str]) -> None:
    project = read(ROOT / "pyproject.toml")
    assert arguments[0] == "install"
    for word in arguments[1:]:
        extra = re.fullmatch(r"\.\[(\w+)\]", word)
        if extra:
            assert re.search(rf"^{extra[1]} = \[", project, re.MULTILINE), word
        else:
            assert word == "." or f'"{word}>=' in project, word


@pytest.mark.parametrize(("where", "line"), COMMANDS, ids=[line for _, line in COMMANDS])
def test_a_command_is_taken(where, line, monkeypatch):
    assert parts(line), where
    for words in parts(line):
        check(words, monkeypatch)


def test_commands_are_found():
    assert len(COMMANDS) >= 60
    lines = [line for _, line in COMMANDS]
    assert "python -m export runs/mine" in lines and "make demo" in lines
    assert any(line.startswith("python train.py --resume") for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        "python train.py --model bilstm-huge --dataset a.csv",
        "python train.py --modle bilstm --dataset a.csv",
        "python -m export runs/mine --lowering fuse",
        "python -m export sms-spma",
        "python -m zoo prdict sms-spam text",
        "python -m zoo predict sms-spma text",
        "python -m export.benchmark2",
        "python -m studies none",
        "make demos",
        "make -f recipes/none.mk",
        "pip install '.[none]'",
        "pip install nothing && python -m zoo list",
        "rm -rf runs",
    ],
)
def test_a_wrong_command_is_noticed(line, monkeypatch):
    with pytest.raises((AssertionError, ModuleNotFoundError)):
        for words in parts(line):
            check(words, monkeypatch)
