"""Makes attacks.csv: what becomes of damaged files and of killed training runs.

    python -m results.attacks [--flips N] [--damages N] [--kills N] [--stops N] [--seed S]

A tiny run is trained and exported. Then copies of its files are damaged, one place in each, and
loaded and asked, each in a process of its own; and runs are killed at random moments, resumed to
their end, and held against one that was not. A row says how often each outcome came:

    refused     with one sentence
    same        the answers, or the weights, of the undamaged file to the last bit
    changed     other answers or weights, without a word
    traceback   an error that is none of a file
    signal      the process was ended by a signal
    hang        no end in time
    memory      more memory than the undamaged file takes, by 512 MB
"""

import argparse
import collections
import contextlib
import faulthandler
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
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

from zoo import litert, run_parts, samples, seal, sums
from zoo.files import read_table, write_table

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("attacks.csv")
KINDS = ("byte", "bit", "zeros", "cut", "appended")
OUTCOMES = ("refused", "same", "changed", "traceback", "signal", "hang", "memory")
TEXTS = ["", "a lovely film", "the story was awful and dull", "zzyzx " * 50]
SECONDS = 60  # that a file may take
ADDRESS_SPACE = 16 * 2**30  # bytes; TensorFlow reserves much and uses little
MORE_MEMORY = 512 * 1024  # KB
LONGEST_SENTENCE = 1000  # characters
MODEL = ["--model", "bilstm-tiny", "--dataset", "reviews", "--max-length", "24", "--seed", "3"]


def damage(content: bytes, kind: str, choices: random.Random) -> bytes:
    """The content with one place of it changed."""
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
    # A run of zeros may have been one.
    return bytes(changed) if changed != content else damage(content, kind, choices)


def ask_file(content: bytes) -> str:
    """The answers of a .tflite file."""
    found = litert.load_content(content, "model.tflite").predict(TEXTS)
    return repr([(one.label, one.scores) for one in found])


def ask_run(folder: Path) -> str:
    """The answers of a run folder."""
    from zoo import bundle

    found = bundle.load(folder).classifier().predict(TEXTS)
    return repr([(one.label, one.scores) for one in found])


def in_child(ask: Callable[[], str]) -> tuple[str, str, int]:
    """What a process of its own says: an outcome, the answers or the error, and its memory in KB.

    The process is forked, so that what takes long to import is imported once.
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


def _answer(ask: Callable[[], str], said) -> int:
    try:
        faulthandler.disable()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        text, code = ask(), 0
    except (litert.ModelFileError, run_parts.BundleError) as error:
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
    """Counts outcomes against what an undamaged file says."""

    def __init__(self, undamaged: Callable[[], str]):
        outcome, self.expected, self.memory = in_child(undamaged)
        if outcome != "same":
            raise SystemExit(f"The undamaged file was not answered: {outcome} {self.expected}")
        self.counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)

    def attempt(self, kind: str, ask: Callable[[], str], what: str) -> None:
        outcome, said, used = in_child(ask)
        if outcome == "same" and said != self.expected:
            outcome = "changed"
        if outcome in ("refused", "same") and used > self.memory + MORE_MEMORY:
            outcome = "memory"
        self.counts[kind][outcome] += 1
        if outcome not in ("refused", "same", "changed"):
            print(f"  {what}, {kind}: {outcome} {said[:200]}", flush=True)


def attack_file(content: bytes, count: int, seed: int) -> dict[str, collections.Counter]:
    """Damages a .tflite file so many times, and counts outcomes for each kind of damage."""
    attack = Attack(lambda: ask_file(content))
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        changed = damage(content, kind, random.Random(f"{seed} {number}"))
        attack.attempt(kind, lambda changed=changed: ask_file(changed), f"file {number}")
    return attack.counts


def attack_run(folder: Path, count: int, seed: int) -> dict[str, collections.Counter]:
    """Damages a file of a run folder that is read when it is loaded, so many times."""
    attack = Attack(lambda: ask_run(folder))
    names = [run_parts.MODEL, *run_parts.LARGEST, samples.FILE, sums.NAME]
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
    """A copy of a run folder as older versions wrote it."""
    copy = Path(shutil.copytree(folder, place))
    (copy / sums.NAME).unlink()
    return copy


def unsealed(content: bytes) -> bytes:
    """A file as older versions wrote it."""
    return content[: -len(seal.PREFIX) - seal.DIGITS - 2] + b"\0\0"


class Killing:
    """Training runs that are killed, resumed, and held against one that was not."""

    def __init__(self, place: Path, seed: int):
        self.place, self.choices = place, random.Random(seed)
        self.counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
        begun = time.monotonic()
        if self.train(place / "whole").wait() != 0:
            raise SystemExit("The run that is not killed did not end well.")
        self.seconds = time.monotonic() - begun
        self.expected = weights(place / "whole")

    def train(self, output: Path, *flags: str) -> subprocess.Popen:
        """A training run under way."""
        new = [*MODEL, "--epochs", "6", "--patience", "6"]
        return subprocess.Popen(
            [sys.executable, "train.py", "--output", str(output), *(flags or new)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=(self.place / "stderr").open("w"),
        )

    def go_on(self, output: Path) -> subprocess.Popen | None:
        """The run gone on with, or begun again if nothing was kept; None if it is finished."""
        if (output / "checkpoint" / "config.json").is_file():
            return self.train(output, "--resume")
        if (output / run_parts.MODEL).is_file():
            return None
        return self.train(output)

    def kill(self, kinds: list[signal.Signals], number: int) -> None:
        """Begins a run, ends it by one signal after the other, and lets it come to its end."""
        output, sent, outcome = self.place / str(number), [], "same"
        process: subprocess.Popen | None = self.train(output)
        for kind in kinds:
            time.sleep(self.choices.uniform(0, self.seconds))
            process.send_signal(kind)
            sent.append(kind.name)
            outcome = self.outcome(process, killed=kind)
            process = self.go_on(output) if outcome == "same" else None
            if process is None:
                break
        if process is not None:
            outcome = self.outcome(process)
        if outcome == "same" and weights(output) != self.expected:
            outcome = "changed"
        for name in sent:  # each may be the one to blame
            self.counts[name][outcome] += 1
        shutil.rmtree(output, ignore_errors=True)

    def outcome(self, process: subprocess.Popen, killed: signal.Signals | None = None) -> str:
        """How a process ended, `same` if as it should."""
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

    found: dict[str, bytes] = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()

    with zipfile.ZipFile(folder / run_parts.MODEL) as file:
        content = io.BytesIO(file.read("model.weights.h5"))
    with h5py.File(content, "r") as file:
        file.visititems(keep)
    return found


def command(*arguments: str) -> None:
    """Runs a command of the project, and stops if it fails."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{arguments}: {done.stderr.decode(errors='replace')[-2000:]}")


@contextlib.contextmanager
def made(run: Path | None, files: list[Path]) -> Iterator[tuple[Path, list[Path]]]:
    """A run folder and exported files: those given, or new ones."""
    if run is not None:
        yield run, files
        return
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        command("train.py", *MODEL, "--epochs", "2", "--output", str(run))
        for lowering in ("fused", "loop"):
            command("-m", "export", str(run), "--lowering", lowering)
        yield run, sorted((run / "export").glob("*.tflite"))


def main() -> None:
    """Attacks, and writes the table; rows of parts that are left out stay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=1000, help="of each file, sealed and not")
    parser.add_argument("--damages", type=int, default=500, help="of a run, with hashes and not")
    parser.add_argument("--kills", type=int, default=100, help="by SIGKILL")
    parser.add_argument("--stops", type=int, default=6, help="by SIGTERM and SIGINT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, help="a run folder to damage (default: a new one)")
    parser.add_argument("--file", type=Path, action="append", default=[], help="files of it")
    parser.add_argument(
        "--only-hashed", action="store_true", help="leave out files without seal or SHA256SUMS"
    )
    parser.add_argument("--output", type=Path, default=TABLE)
    options = parser.parse_args()
    rows = {(row["attack"], row["kind"]): row for row in read_table(options.output)}

    def put(attack: str, counts: dict[str, collections.Counter], arguments: str) -> None:
        for kind, count in counts.items():
            rows[attack, kind] = {
                "attack": attack,
                "kind": kind,
                "tries": count.total(),
                **{outcome: count[outcome] for outcome in OUTCOMES},
                "seed": options.seed,
                "command": f"python -m results.attacks {arguments} --seed {options.seed}",
            }
            print(f"{attack}, {kind}: {dict(count)}", flush=True)
        write_table(options.output, [row for _, row in sorted(rows.items())])

    if options.flips or options.damages:
        with made(options.run, options.file) as (run, files), tempfile.TemporaryDirectory() as old:
            for path in files if options.flips else []:
                content, flips = path.read_bytes(), f"--flips {options.flips}"
                variants = {"sealed": content}
                if not options.only_hashed:
                    variants["without a seal"] = unsealed(content)
                for what, one in variants.items():
                    found = attack_file(one, options.flips, options.seed)
                    put(f"{path.stem}, {what}", found, flips)
            if options.damages:
                import keras  # noqa: F401  once, before the processes are forked

                damages = f"--damages {options.damages}"
                found = attack_run(run, options.damages, options.seed)
                put("run folder", found, damages)
                if not options.only_hashed:
                    older = without_hashes(run, Path(old) / "run")
                    found = attack_run(older, options.damages, options.seed)
                    put("run folder, without SHA256SUMS", found, damages)
    if options.kills or options.stops:
        with tempfile.TemporaryDirectory() as place:
            # What a background job's shell has ignored, the runs would ignore too.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            killing, number = Killing(Path(place), options.seed), 0
            while killing.counts["SIGKILL"].total() < options.kills:
                left = options.kills - killing.counts["SIGKILL"].total()
                killing.kill([signal.SIGKILL] * min(4, left), number)
                number += 1
            for stop in range(options.stops):
                kind = (signal.SIGTERM, signal.SIGINT)[stop % 2]
                killing.kill([kind], number)
                number += 1
            put(
                "training run",
                {kind: count for kind, count in killing.counts.items() if count},
                f"--kills {options.kills} --stops {options.stops}",
            )


if __name__ == "__main__":
    main()
