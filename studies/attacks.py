"""Damages files and kills training runs, and counts the outcomes.

A tiny run is trained and exported. Copies of its files are damaged in one place each. Each copy is
loaded and run on some texts in a process of its own. Training runs are killed at random moments,
resumed until they finish, and compared with a run that was not killed. A row of attacks.csv counts
the outcomes:

    refused     an error message of one sentence
    same        the predictions or weights of the undamaged file, bit for bit
    changed     other predictions or weights, and no message
    traceback   any other exception
    signal      a signal ended the process
    hang        the process did not end in time
    memory      the process took at least 512 MB more than with the undamaged file
"""

import argparse
import collections
import contextlib
import faulthandler
import functools
import io
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from studies import command
from zoo import litert, records, seal, sums
from zoo.files import read_table, write_table

ROOT = Path(__file__).parents[1]
Counts = dict[str, collections.Counter[str]]  # outcomes by kind of attack
KINDS = ("byte", "bit", "zeros", "cut", "appended")
OUTCOMES = ("refused", "same", "changed", "traceback", "signal", "hang", "memory")
TEXTS = ["", "a lovely film", "the story was awful and dull", "zzyzx " * 50]
SECONDS = 60  # time limit for a file
ADDRESS_SPACE = 16 * 2**30  # bytes; TensorFlow reserves much and uses little
MORE_MEMORY = 512 * 1024  # KB
LONGEST_SENTENCE = 1000  # characters
MODEL = ["--model", "bilstm-tiny", "--dataset", "reviews", "--max-length", "24", "--seed", "3"]


def damage(content: bytes, kind: str, choices: random.Random) -> bytes:
    """A copy of the content, damaged in one place."""
    place = choices.randrange(len(content))
    changed = bytearray(content)
    if kind == "byte":
        changed[place] = (changed[place] + choices.randrange(1, 256)) % 256
    elif kind == "bit":
        changed[place] ^= 1 << choices.randrange(8)
    elif kind == "zeros":
        length = min(int(2 ** choices.uniform(0, 12)), len(content) - place)
        changed[place : place + length] = bytes(length)
    elif kind == "cut":
        del changed[place:]
    else:
        changed += choices.randbytes(choices.randrange(1, 1000))
    # Zeros may have replaced zeros.
    return bytes(changed) if changed != content else damage(content, kind, choices)


def ask_file(content: bytes) -> str:
    """The predictions of a .tflite file for `TEXTS`."""
    answers = litert.load_content(content, "model.tflite").predict(TEXTS)
    return repr([(one.label, one.scores) for one in answers])


def ask_run(folder: Path) -> str:
    """The predictions of a run folder for `TEXTS`."""
    from zoo import bundle

    answers = bundle.load(folder).classifier().predict(TEXTS)
    return repr([(one.label, one.scores) for one in answers])


def in_child(ask: Callable[[], str]) -> tuple[str, str, int]:
    """Calls a function in a forked process, which inherits what is imported already.

    Returns:
        The outcome, the predictions or the error message, and the peak memory of the process in KB.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        child = os.fork()
        if child == 0:
            os._exit(_answer(ask, said))
        status, used = _wait(child)
        said.seek(0)
        text = said.read()
    if status is None:
        return "hang", "", used
    if os.WIFSIGNALED(status):
        return "signal", str(os.WTERMSIG(status)), used
    return ("same", "refused", "memory", "traceback")[os.WEXITSTATUS(status)], text, used


def _answer(ask: Callable[[], str], said: IO[str]) -> int:
    try:
        faulthandler.disable()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        text, code = ask(), 0
    except (litert.ModelFileError, records.RunError) as error:
        text, code = str(error), 1
        if "\n" in text or not 10 < len(text) < LONGEST_SENTENCE:
            code = 3
    except MemoryError:
        text, code = "", 2
    except BaseException as error:
        text, code = repr(error), 3
    said.write(text)
    said.flush()
    return code


def _wait(child: int) -> tuple[int | None, int]:
    end = time.monotonic() + SECONDS
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return status, used.ru_maxrss
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            _, _, used = os.wait4(child, 0)
            return None, used.ru_maxrss
        time.sleep(0.002)


class Attack:
    """Counts outcomes against the predictions of the undamaged file."""

    def __init__(self, undamaged: Callable[[], str]):
        outcome, self.expected, self.memory = in_child(undamaged)
        if outcome != "same":
            raise RuntimeError(f"the undamaged file could not be run: {outcome} {self.expected}")
        self.counts: Counts = collections.defaultdict(collections.Counter)

    def attempt(self, kind: str, ask: Callable[[], str], what: str) -> None:
        """Runs a damaged file, and counts the outcome."""
        outcome, said, used = in_child(ask)
        if outcome == "same" and said != self.expected:
            outcome = "changed"
        if outcome in ("refused", "same") and used > self.memory + MORE_MEMORY:
            outcome = "memory"
        self.counts[kind][outcome] += 1
        if outcome not in ("refused", "same", "changed"):
            print(f"  {what}, {kind}: {outcome} {said[:200]}", flush=True)


def attack_file(content: bytes, count: int, seed: int) -> Counts:
    """Damages a .tflite file `count` times; returns outcomes by kind of damage."""
    attack = Attack(lambda: ask_file(content))
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        changed = damage(content, kind, random.Random(f"{seed} {number}"))
        attack.attempt(kind, functools.partial(ask_file, changed), f"file {number}")
    return attack.counts


def attack_run(folder: Path, count: int, seed: int) -> Counts:
    """Damages the files that loading a run folder reads, `count` times in all."""
    attack = Attack(lambda: ask_run(folder))
    names = [records.MODEL, *records.LARGEST, records.SAMPLES, sums.NAME]
    names = [name for name in names if (folder / name).is_file()]
    with tempfile.TemporaryDirectory() as place:
        copy = Path(shutil.copytree(folder, Path(place) / "run"))
        for number in range(count):
            name, kind = names[number % len(names)], KINDS[number // len(names) % len(KINDS)]
            content = (copy / name).read_bytes()
            (copy / name).write_bytes(damage(content, kind, random.Random(f"{seed} {number}")))
            attack.attempt(kind, lambda: ask_run(copy), f"{name} {number}")
            (copy / name).write_bytes(content)
    return attack.counts


def without_hashes(folder: Path, place: Path) -> Path:
    """A copy of a run folder as older versions wrote it, without SHA256SUMS."""
    copy = Path(shutil.copytree(folder, place))
    (copy / sums.NAME).unlink()
    return copy


def unsealed(content: bytes) -> bytes:
    """A .tflite file as older versions wrote it, without a seal."""
    return content[: -len(seal.PREFIX) - seal.DIGITS - 2] + b"\0\0"


class Killing:
    """Training runs that are killed, resumed, and compared with one that was not killed."""

    def __init__(self, place: Path, seed: int):
        self.place, self.choices = place, random.Random(seed)
        self.counts: Counts = collections.defaultdict(collections.Counter)
        started = time.monotonic()
        if self.train(place / "whole").wait() != 0:
            raise RuntimeError("the run that is not killed failed.")
        self.seconds = time.monotonic() - started
        self.expected = weights(place / "whole")

    def train(self, output: Path, *flags: str) -> subprocess.Popen:
        """Starts a training run."""
        new = [*MODEL, "--epochs", "6", "--patience", "6"]
        return subprocess.Popen(
            [sys.executable, "train.py", "--output", str(output), *(flags or new)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=(self.place / "stderr").open("w"),
        )

    def go_on(self, output: Path) -> subprocess.Popen | None:
        """Resumes a run, or starts it again if it kept nothing; None if it is finished."""
        if (output / "checkpoint" / "config.json").is_file():
            return self.train(output, "--resume")
        if (output / records.MODEL).is_file():
            return None
        return self.train(output)

    def kill(self, kinds: list[signal.Signals], number: int) -> None:
        """Starts a run, ends it with each signal in turn, and resumes it until it finishes."""
        output, sent, outcome = self.place / str(number), [], "same"
        process: subprocess.Popen | None = self.train(output)
        for kind in kinds:
            if process is None:
                break
            time.sleep(self.choices.uniform(0, self.seconds))
            process.send_signal(kind)
            sent.append(kind.name)
            outcome = self.outcome(process, killed=kind)
            process = self.go_on(output) if outcome == "same" else None
        if process is not None:
            outcome = self.outcome(process)
        if outcome == "same" and weights(output) != self.expected:
            outcome = "changed"
        for name in sent:  # any of them may be the cause
            self.counts[name][outcome] += 1
        shutil.rmtree(output, ignore_errors=True)

    def outcome(self, process: subprocess.Popen, killed: signal.Signals | None = None) -> str:
        """How a process ended; `same` if it did as expected."""
        try:
            status = process.wait(10 * self.seconds + 60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return "hang"
        if status == 0 or (killed and status in (-killed, 128 + killed)):
            return "same"
        said = (self.place / "stderr").read_text(errors="replace").strip()
        print(f"  status {status}: {said[-500:]}", flush=True)
        if status < 0:
            return "signal"
        return "traceback" if "Traceback" in said else "refused"


def weights(folder: Path) -> dict[str, bytes]:
    """The weights of a run, by name."""
    import h5py

    by_name: dict[str, bytes] = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            by_name[name] = item[()].tobytes()

    with zipfile.ZipFile(folder / records.MODEL) as file:
        content = io.BytesIO(file.read("model.weights.h5"))
    with h5py.File(content, "r") as file:
        file.visititems(keep)
    return by_name


def call(*arguments: str) -> None:
    """Runs a command of the project; raises `RuntimeError` if it fails."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        message = done.stderr.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(arguments)} failed: {message}")


@contextlib.contextmanager
def made(folder: Path | None, files: list[Path]) -> Iterator[tuple[Path, list[Path]]]:
    """A run folder and exported files: those of the command line, or new ones."""
    if folder is not None:
        yield folder, files
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        call("train.py", *MODEL, "--epochs", "2", "--output", str(folder))
        for lowering in ("fused", "loop"):
            call("-m", "export", str(folder), "--lowering", lowering)
        yield folder, sorted((folder / "export").glob("*.tflite"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags."""
    parser.add_argument(
        "--flips",
        type=int,
        default=1000,
        help="damaged copies of each .tflite file (default: 1000)",
    )
    parser.add_argument(
        "--damages", type=int, default=500, help="damaged copies of the run folder (default: 500)"
    )
    parser.add_argument(
        "--kills", type=int, default=100, help="training runs to end by SIGKILL (default: 100)"
    )
    parser.add_argument(
        "--stops",
        type=int,
        default=6,
        help="training runs to end by SIGTERM or SIGINT (default: 6)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, help="a run folder to damage (default: a new one)")
    parser.add_argument(
        "--file",
        type=Path,
        action="append",
        default=[],
        help="an exported file of RUN; may be repeated",
    )
    parser.add_argument(
        "--only-hashed", action="store_true", help="skip files without a seal or SHA256SUMS"
    )
    command.add_output(parser)


def run(options: argparse.Namespace) -> None:
    """Runs the attacks and writes the table. Rows of attacks that are skipped stay."""
    table = Table(options.output / "attacks.csv", options.seed)
    if options.flips or options.damages:
        with made(options.run, options.file) as (folder, files):
            if options.flips:
                damage_files(files, options, table)
            if options.damages:
                damage_runs(folder, options, table)
    if options.kills or options.stops:
        kill_runs(options, table)


class Table:
    """The rows of attacks.csv, written after each attack."""

    def __init__(self, path: Path, seed: int):
        self.path, self.seed = path, seed
        self.rows: dict[tuple[str, str], Mapping[str, Any]] = {
            (row["attack"], row["kind"]): row for row in read_table(path)
        }

    def add(self, attack: str, counts: Counts, flags: str) -> None:
        """Adds a row for each kind of an attack; `flags` repeat it."""
        for kind, count in counts.items():
            self.rows[attack, kind] = {
                "attack": attack,
                "kind": kind,
                "tries": count.total(),
                **{outcome: count[outcome] for outcome in OUTCOMES},
                "seed": self.seed,
                "command": f"{command.PROG} attacks {flags} --seed {self.seed}",
            }
            print(f"{attack}, {kind}: {dict(count)}", flush=True)
        write_table(self.path, [row for _, row in sorted(self.rows.items())])


def damage_files(files: list[Path], options: argparse.Namespace, table: Table) -> None:
    """Damages exported files, as they are and without a seal."""
    for path in files:
        content = path.read_bytes()
        variants = {"sealed": content}
        if not options.only_hashed:
            variants["without a seal"] = unsealed(content)
        for what, one in variants.items():
            counts = attack_file(one, options.flips, options.seed)
            table.add(f"{path.stem}, {what}", counts, f"--flips {options.flips}")


def damage_runs(folder: Path, options: argparse.Namespace, table: Table) -> None:
    """Damages a run folder, as it is and without SHA256SUMS."""
    import keras  # noqa: F401  once, before the processes are forked

    flags = f"--damages {options.damages}"
    table.add("run folder", attack_run(folder, options.damages, options.seed), flags)
    if options.only_hashed:
        return
    with tempfile.TemporaryDirectory() as place:
        older = without_hashes(folder, Path(place) / "run")
        counts = attack_run(older, options.damages, options.seed)
        table.add("run folder, without SHA256SUMS", counts, flags)


def kill_runs(options: argparse.Namespace, table: Table) -> None:
    """Kills training runs, up to four times each."""
    # The training runs would inherit that SIGINT is ignored, as in a background job of a shell.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as place:
        killing, number = Killing(Path(place), options.seed), 0
        while (killed := killing.counts["SIGKILL"].total()) < options.kills:
            killing.kill([signal.SIGKILL] * min(4, options.kills - killed), number)
            number += 1
        for stop in range(options.stops):
            killing.kill([(signal.SIGTERM, signal.SIGINT)[stop % 2]], number)
            number += 1
        counts = {kind: count for kind, count in killing.counts.items() if count}
        table.add("training run", counts, f"--kills {options.kills} --stops {options.stops}")
