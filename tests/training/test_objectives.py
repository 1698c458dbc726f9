"""Losses beside the labels' cross-entropy, and learning from texts without labels."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from tests.conftest import write_rows
from tests.export.models import classifier, texts_of_every_length
from zoo import bundle
from zoo.datasets import DatasetError, Source, load_dataset
from zoo.datasets.split import text_key
from zoo.training import TrainingConfig, language_model, train
from zoo.training.batches import WithUnlabelled
from zoo.training.material import gather
from zoo.training.objectives import OBJECTIVES, Regularized, gradient

IDS = texts_of_every_length(12, 60)[1:]
TARGETS = np.eye(3, dtype="float32")[np.arange(len(IDS)) % 3]


def softmax(logits):
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def loss_of(model, x, y=TARGETS, training=True):
    value = model.compute_loss(x, y, model(x, training=training), None, training)
    return float(ops.convert_to_numpy(value))


def compiled(objective, reach=0.3, created=None, **sizes):
    created = created or classifier("bilstm", num_layers=1, dropout=0.0, **sizes)
    model = Regularized(created, objective, reach)
    model.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    return model


def test_gradient_is_that_of_finite_differences():
    x = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")

    def function(x):
        return ops.sum(ops.tanh(x) ** 2)

    got = ops.convert_to_numpy(gradient(function, ops.convert_to_tensor(x)))
    np.testing.assert_allclose(got, 2 * np.tanh(x) * (1 - np.tanh(x) ** 2), rtol=1e-4)


def test_the_move_hurts_more_than_any_other_of_its_length():
    """Against losses by plain calls, one text at a time."""
    model = compiled("adversarial", reach=0.05)
    plain = loss_of(model, IDS, training=False)
    moved = loss_of(model, IDS) - plain  # the loss with the move alone
    embedded = ops.convert_to_numpy(model.embedding(IDS))
    rng = np.random.default_rng(0)
    for _ in range(20):
        move = rng.normal(size=embedded.shape) * (IDS > 0)[..., None]
        words = embedded * (IDS > 0)[..., None]
        lengths = np.sqrt((words**2).sum((1, 2)) / (move**2).sum((1, 2)))
        move *= 0.05 * lengths[:, None, None]
        logits = ops.convert_to_numpy(
            model.above([(embedded + move).astype("float32"), IDS > 0], training=False)
        )
        other = -np.log((softmax(logits) * TARGETS).sum(axis=1)).mean()
        assert plain < moved and other < moved


def test_padding_makes_no_move_longer():
    """A text is moved as far in a batch of long texts as in one of short ones."""
    model = compiled("adversarial")
    ids = IDS[:5].copy()
    ids[:, 4:] = 0
    found = [loss_of(model, np.pad(ids[:, :5], ((0, 0), (0, n))), TARGETS[:5]) for n in (0, 40)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def in_policy(policy, objective):
    """The same model, its classifier created in another policy; the rest is not, as in a run."""
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    try:
        created = classifier("bilstm", num_layers=1, dropout=0.0)
    finally:
        keras.config.set_dtype_policy("float32")
    return compiled(objective, created=created)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("objective", OBJECTIVES[1:])
def test_objectives_compute_in_16_bits(objective, policy):
    half, whole = in_policy(policy, objective), in_policy("float32", objective)
    assert half.embedding.compute_dtype == policy.removeprefix("mixed_")
    scaled = isinstance(half.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    pair = (IDS, IDS[::-1].copy())
    assert loss_of(half, pair) == pytest.approx(loss_of(whole, pair), rel=0.03)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_move_in_16_bits_goes_the_way_of_float32(policy):
    moves = []
    for name in (policy, "float32"):
        model = in_policy(name, "virtual-adversarial")
        fixed, mask = model._embed(IDS)
        before = ops.log_softmax(model._above(fixed, mask, training=False))
        moves.append(ops.convert_to_numpy(model._virtual_move(fixed, mask, before)))
    lengths = [np.sqrt((move**2).sum((1, 2))) for move in moves]
    likeness = (moves[0] * moves[1]).sum((1, 2)) / (lengths[0] * lengths[1])
    assert likeness.min() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_run_in_16_bits_pretrains_and_learns(tmp_path, tiny_data, objective):
    (tmp_path / "more.txt").write_text("a good film\nnot a bad one\n" * 20)
    more = {"unlabelled": (str(tmp_path / "more.txt"),), "pretrain": 1, "objective": objective}
    config = TrainingConfig("bilstm-tiny", str(tiny_data), **SMALL, **more, mixed_precision=True)
    found = train(config, tmp_path / "run", verbose=False, tensorboard=False)
    assert all(np.isfinite(weight).all() for weight in found.model.get_weights())


def test_virtual_moves_need_no_labels():
    model = compiled("virtual-adversarial")
    extra = [
        loss_of(model, IDS, y) - loss_of(model, IDS, y, training=False)
        for y in (TARGETS, TARGETS[::-1].copy())
    ]
    # Their direction is found from a random one.
    assert extra[0] > 0 and extra[0] == pytest.approx(extra[1], rel=0.5)


def test_texts_without_labels_count_where_they_are_to():
    others = IDS[::-1].copy()
    for objective in OBJECTIVES[1:]:
        model = compiled(objective, reach=1e-4)  # moves that hardly change a thing
        alone, both = loss_of(model, IDS), loss_of(model, (IDS, others))
        answers = softmax(ops.convert_to_numpy(model.classifier(others)))
        entropy = -(answers * np.log(answers)).sum(axis=1).mean() if objective == "mixed" else 0
        assert both - alone == pytest.approx(entropy, abs=1e-3), objective


def test_each_batch_has_others_beside_it():
    labels = np.arange(10)
    others = np.arange(1, 36, dtype=np.int32)[:, None]
    batches = WithUnlabelled(others, np.ones((10, 3), np.int32), labels, 4, seed=0)
    seen = set()
    for _ in range(8):
        for place in range(len(batches)):
            (ids, more), given = batches[place]
            assert len(ids) == len(given) and 0 < len(more) <= 4
            seen.update(more[more > 0].tolist())
        batches.on_epoch_end()
    assert seen == set(range(1, 36))


@pytest.mark.parametrize("count", [3, 10, 35, 90])
def test_a_resumed_run_reads_the_same_unlabelled_texts(count):
    others = np.arange(1, count + 1, dtype=np.int32)[:, None]

    def batches(epoch):
        ids = np.ones((10, 3), np.int32)
        return WithUnlabelled(others, ids, np.arange(10), 4, seed=0, epoch=epoch)

    whole = batches(0)
    for epoch in range(9):
        resumed = batches(epoch)
        for place in range(len(whole)):
            (_, expected), _ = whole[place]
            (_, found), _ = resumed[place]
            np.testing.assert_array_equal(found, expected)
        whole.on_epoch_end()


def test_texts_that_judge_a_run_are_left_out(tmp_path, capsys):
    """Validation and test texts, however they are written."""
    for part, count, seed in (("train", 30, 1), ("valid", 10, 2), ("test", 10, 3)):
        write_rows(tmp_path / "data" / f"{part}.tsv", count, seed)
    dataset = load_dataset(str(tmp_path / "data"))
    judges = [*dataset.valid.texts, *dataset.test.texts]
    assert not {text_key(text) for text in judges} & set(map(text_key, dataset.train.texts))
    own = ["a text of its own", "another one"]
    lines = [*(text.upper() + "!" for text in judges), *own]
    (tmp_path / "more.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = TrainingConfig(
        "bilstm-tiny", str(tmp_path / "data"), unlabelled=(str(tmp_path / "more.txt"),), pretrain=1
    )
    assert gather(config, dataset, print).others == own
    assert f"{len(judges)} that are validation or test texts" in capsys.readouterr().out


def test_nobody_pretrains_on_variants(tmp_path, tiny_run, tiny_data, monkeypatch):
    words = {word for text in load_dataset(str(tiny_data)).train.texts for word in text.split()}
    rng = np.random.default_rng(0)
    rows = (" ".join([word, *(f"{x:.3f}" for x in rng.normal(size=6))]) for word in words)
    (tmp_path / "v.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    seen = []
    monkeypatch.setattr(language_model, "pretrain", lambda model, ids, **_: seen.append(len(ids)))
    config = TrainingConfig(
        "bilstm-tiny",
        str(tiny_data),
        **SMALL | {"epochs": 1},
        vectors=str(tmp_path / "v.txt"),
        teacher=(str(tiny_run),),
        augment=2,
        pretrain=1,
    )
    train(config, tmp_path / "run", verbose=False, tensorboard=False)
    assert seen == [len(load_dataset(str(tiny_data)).train.texts)]


def test_texts_are_read_from_any_source(tmp_path):
    (tmp_path / "a.txt").write_text("one text\n\n  \nanother\n", encoding="utf-8")
    assert Source(str(tmp_path / "a.txt")).texts() == ["one text", "another"]
    write_rows(tmp_path / "b.tsv", 6, 1)
    assert len(Source(str(tmp_path / "b.tsv")).texts()) == 6
    # None of these has a label for each text.
    (tmp_path / "c.csv").write_text('text\n"one,\ntwo"\nthree\n')
    (tmp_path / "d.tsv").write_text("label\ttext\nyes\tone\n\ttwo\n")
    (tmp_path / "e.jsonl").write_text('{"text": "one"}\n{"text": "two", "label": null}\n')
    assert Source(str(tmp_path / "c.csv")).texts() == ["one,\ntwo", "three"]
    for name in ("d.tsv", "e.jsonl"):
        assert Source(str(tmp_path / name)).texts() == ["one", "two"]
    with pytest.raises(DatasetError, match="no column is named 'words'"):
        Source(str(tmp_path / "c.csv"), text_column="words").texts()
    (tmp_path / "empty.txt").write_text("\n")
    for name, message in (("empty.txt", "holds no text"), ("none.txt", "no such file")):
        with pytest.raises(DatasetError, match=message):
            Source(str(tmp_path / name)).texts()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"objective": "hinge"}, "objective must be one of"),
        ({"reach": 0}, "reach must be above 0"),
        ({"pretrain": -1}, "0 or more passes"),
        ({"unlabelled": ["x.txt"]}, "unlabelled texts are for"),
    ],
)
def test_wrong_settings_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig("bilstm-tiny", "reviews", **given)


SMALL = {"epochs": 2, "batch_size": 8, "max_length": 12, "embed_dim": 6, "hidden_dim": 5}


@pytest.mark.slow
def test_a_run_with_everything_is_made_again_from_its_settings(tmp_path, tiny_data):
    (tmp_path / "more.txt").write_text("a good film\nnot a bad one\n" * 20)
    teacher = train(
        TrainingConfig("bigru-tiny", str(tiny_data), **SMALL), tmp_path / "teacher", verbose=False
    )
    assert teacher.labels == ("bad", "good")
    more = {"unlabelled": (str(tmp_path / "more.txt"),), "pretrain": 1, "objective": "mixed"}
    for name in ("one", "two"):
        config = TrainingConfig("bilstm-tiny", str(tiny_data), **SMALL, **more)
        train(config, tmp_path / name, verbose=False, tensorboard=False)
    one, two = (bundle.load(tmp_path / name).model.get_weights() for name in ("one", "two"))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    del more["objective"]
    config = TrainingConfig(
        "bilstm-tiny", str(tiny_data), **SMALL, **more, teacher=(str(tmp_path / "teacher"),)
    )
    train(config, tmp_path / "taught", verbose=False, tensorboard=False)
    found = json.loads((tmp_path / "taught" / "config.json").read_text())
    assert found["training"]["teacher"] == [str(tmp_path / "teacher")]
