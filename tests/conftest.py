"""A tiny trained run and its exported file, made once for all tests."""

import os
import random
import signal
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

WORDS = {"bad": "awful dull grim cold poor", "good": "lovely great fine warm bright"}
FILLERS = "the a film was it and quite story of this"


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a background job of a shell. The commands that tests start would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def write_rows(path: Path, count: int, seed: int, *, extra: str = "", labels=("bad", "good")):
    """A .tsv of texts that say their label in one word, `extra` at the end of the first."""
    rng = random.Random(seed)
    lines = ["label\ttext"]
    for number in range(count):
        kind = number % 2
        words = rng.choices(FILLERS.split(), k=rng.randint(1, 12))
        words.insert(rng.randrange(len(words)), rng.choice(list(WORDS.values())[kind].split()))
        lines.append(f"{labels[kind]}\t{' '.join(words)}{f' {extra}' if number == 0 else ''}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory) -> Path:
    """A folder of train, validation and test rows; each part has a word that the others lack."""
    folder = tmp_path_factory.mktemp("tiny") / "films"
    for part, count, seed in (("train", 48, 1), ("valid", 16, 2), ("test", 20, 3)):
        write_rows(folder / f"{part}.tsv", count, seed, extra=f"only{part}")
    return folder


@pytest.fixture(scope="session")
def tiny_flags(tiny_data) -> dict:
    """The settings of `tiny_run`, for `TrainingConfig`."""
    return {
        "model": "peephole-bilstm-tiny",
        "dataset": str(tiny_data),
        "epochs": 8,
        "patience": 8,
        "batch_size": 8,
        "max_length": 12,
        "embed_dim": 4,
        "hidden_dim": 4,
        "seed": 7,
        "learning_rate": 0.02,
        "keep": "best",
        "word_dropout": 0.1,
        "average": 0.0,
        "augment": 0,
        "mixed_precision": False,
    }


@pytest.fixture(scope="session")
def tiny_run(tiny_flags, tmp_path_factory) -> Path:
    """The folder of a finished run. Copy it before you change it."""
    from zoo.training import TrainingConfig, train

    folder = tmp_path_factory.mktemp("tiny") / "run"
    train(TrainingConfig(**tiny_flags), folder, tensorboard=False, verbose=False)
    return folder


@pytest.fixture
def killed_run(monkeypatch):
    """Begins a run, and kills it as the first epoch begins."""
    from zoo.training import train

    def killed(*_, **__):
        raise KeyboardInterrupt

    def begin(config, output):
        with monkeypatch.context() as patch:
            patch.setattr("keras.Model.fit", killed)
            with pytest.raises(KeyboardInterrupt):
                train(config, output, tensorboard=False, verbose=False)

    return begin


@pytest.fixture(scope="session")
def tiny_tflite(tiny_run, tmp_path_factory) -> Path:
    """`tiny_run` exported with float32 weights."""
    from export import export_model

    folder = tmp_path_factory.mktemp("tiny") / "export"
    (file,) = export_model(tiny_run, folder, lowering="loop", precision="float32")
    return folder / file.path
