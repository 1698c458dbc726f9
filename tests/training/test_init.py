"""`--init`: a run that starts from the weights of another."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests import conftest
from tests.training.runs import run
from zoo.training import TrainingConfig, train


def test_a_run_starts_from_another(tmp_path, tiny_data):
    small = {"max_length": 12, "epochs": 1}
    config = TrainingConfig(
        "bilstm-tiny", str(tiny_data), embed_dim=6, hidden_dim=5, pooling="mean", **small
    )
    first = train(config, tmp_path / "first", tensorboard=False, verbose=False)
    more = tmp_path / "more"
    for part, seed in (("train", 7), ("valid", 8), ("test", 9)):
        conftest.write_rows(
            more / f"{part}.tsv", 24, seed, labels=("no", "yes"), extra=f"new{part}"
        )
    given = {"init": str(tmp_path / "first"), "learning_rate": 1e-9, **small}
    for data, same_labels in ((tiny_data, True), (more, False)):
        config = TrainingConfig("bilstm-tiny", str(data), **given)
        second = train(config, tmp_path / f"on-{data.name}", tensorboard=False, verbose=False)
        old, new = (run.tokenizer.vocabulary for run in (first, second))
        (known, *before), (rows, *after) = (run.model.get_weights() for run in (first, second))
        assert second.config["model"] | {"vocab_size": 0, "parameters": 0} == (
            first.config["model"] | {"vocab_size": 0, "parameters": 0}
        )
        if same_labels:
            assert new == old
        # Its own words come first, those of the other run after them, and both keep their rows.
        assert set(old) <= set(new) and (new == old or len(new) > len(old))
        assert len(rows) == new.size
        for word in old:
            np.testing.assert_allclose(rows[new[word]], known[old[word]], atol=1e-6)
        same = [np.allclose(a, b, atol=1e-6) for a, b in zip(before, after, strict=True)]
        assert all(same[:-2]) and same[-2] == same_labels  # the last ones are the head's


def test_a_start_of_another_shape_is_refused(tmp_path, tiny_data):
    small = {"max_length": 12, "epochs": 1, "embed_dim": 6, "hidden_dim": 5}
    config = TrainingConfig("bilstm-tiny", str(tiny_data), **small)
    train(config, tmp_path / "first", tensorboard=False, verbose=False)
    for changed, message in (
        ({"model": "bigru-tiny"}, "is a bilstm-tiny, not a bigru-tiny"),
        ({"hidden_dim": 7}, "hidden_dim 5, not 7"),
    ):
        other = dataclasses.replace(config, init=str(tmp_path / "first"), **changed)
        with pytest.raises(ValueError, match=message):
            train(other, tmp_path / "second", tensorboard=False, verbose=False)
    assert not (tmp_path / "second" / "model.keras").exists()


def test_texts_that_a_start_has_seen_are_warned_of(quick, tiny_data, tmp_path, eager, capsys):
    """Another seed holds out other texts: the start has learnt some of them."""
    rows = (tiny_data / "train.tsv").read_text(encoding="utf-8")
    (tmp_path / "texts.tsv").write_text(rows, encoding="utf-8")
    (tmp_path / "moved").mkdir()
    moved = Path(shutil.copy(tmp_path / "texts.tsv", tmp_path / "moved" / "others.tsv"))
    given = quick | {"dataset": str(tmp_path / "texts.tsv"), "epochs": 1, "seed": 1}
    first = run(given, tmp_path / "first")
    for number, (data, seed, warned) in enumerate(
        [
            (tmp_path / "texts.tsv", 1, False),
            (tmp_path / "texts.tsv", 2, True),
            (moved, 2, True),  # the same texts, wherever they lie
            (tiny_data, 2, False),  # others, and its validation texts are its own
        ]
    ):
        config = TrainingConfig(**given | {"dataset": str(data), "seed": seed, "init": str(first)})
        train(config, tmp_path / str(number), tensorboard=False)
        said = capsys.readouterr().out
        assert ("Take --seed 1." in said) == warned
        assert "the last layer too" in said
