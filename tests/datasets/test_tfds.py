"""Sets of TensorFlow Datasets: small builders defined here, and the embedded reviews."""
# ruff: noqa: RUF012 (a builder of TFDS is its class attributes)

import json
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

from zoo.datasets import DatasetError, load_dataset

tfds = pytest.importorskip("tensorflow_datasets")
features = tfds.features

ROOT = Path(__file__).parents[2]
PREPARED = []  # one entry for each time that a builder of this file generates its rows


class ZooRows(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Generates `ROWS`, the rows by split; the names of the classes below are the sets'."""

    VERSION = tfds.core.Version("1.0.0")
    KEYS = None

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=features.FeaturesDict(self.FEATURES),
            supervised_keys=self.KEYS,
        )

    def _split_generators(self, dl_manager):
        PREPARED.append(self.name)
        return {split: self._generate_examples(rows) for split, rows in self.ROWS.items()}

    def _generate_examples(self, rows):
        yield from enumerate(rows)


def rows(n, labels, start="text", **more):
    return [{"text": f"{start} {i}", "label": labels[i % len(labels)], **more} for i in range(n)]


class ZooPlain(ZooRows):
    FEATURES = {"text": features.Text(), "label": features.ClassLabel(names=["neg", "pos"])}
    ROWS = {
        "train": rows(100, [1, 0]),
        "test": rows(20, [0, 1], "été"),
        "unsupervised": rows(9, [-1]),
    }


class ZooHidden(ZooRows):
    """As in GLUE: other names, parts of train without labels, and no label in test."""

    FEATURES = {
        "sentence": features.Text(),
        "label": features.ClassLabel(names=["z", "a"]),
        "idx": np.int32,
        "words": features.Sequence(features.Text()),
    }
    ROWS = {
        split: [
            {"sentence": row["text"], "label": row["label"], "idx": 1, "words": ["w"] * (i % 3)}
            for i, row in enumerate(split_rows)
        ]
        for split, split_rows in {
            "train": rows(100, [0, 1]) + rows(7, [-1], "no label"),
            "validation": rows(10, [1, 0], "valid"),
            "test": rows(10, [-1], "test"),
        }.items()
    }


class ZooMany(ZooRows):
    FEATURES = {
        "title": features.Text(),
        "body": features.Text(),
        "code": features.Scalar(np.str_),
        "stars": np.int64,
        "liked": np.bool_,
        "coarse": features.ClassLabel(names=["x", "y"]),
        "fine": features.ClassLabel(num_classes=3),
        "score": np.float32,
    }
    ROWS = {
        "train": [
            {
                "title": f"title {i}",
                "body": f"body {i}",
                "code": "pq"[i % 2],
                "stars": (2, 10, 5)[i % 3],
                "liked": i % 2 == 0,
                "coarse": i % 2,
                "fine": i % 3,
                "score": 0.5,
            }
            for i in range(60)
        ]
    }


class ZooDeclared(ZooMany):
    KEYS = ("body", "stars")


class ZooNumbers(ZooRows):
    FEATURES = {"text": features.Text(), "number": np.int64}
    ROWS = {"train": [{"text": f"text {i}", "number": i % 2} for i in range(40)]}


class ZooNoTrain(ZooRows):
    FEATURES = ZooPlain.FEATURES
    ROWS = {"validation": rows(10, [0, 1])}


class ZooNoLabels(ZooRows):
    FEATURES = ZooPlain.FEATURES
    ROWS = {"train": rows(10, [-1])}


class ZooOffline(ZooRows):
    """Its home does not answer: nothing listens on this port."""

    FEATURES = ZooPlain.FEATURES

    def _split_generators(self, dl_manager):
        dl_manager.download("http://127.0.0.1:9/zoo.zip")


class ZooConfigured(ZooRows):
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, version="1.0.0") for name in ("small", "large")
    ]
    FEATURES = ZooPlain.FEATURES
    ROWS = ZooPlain.ROWS


def load(name, folder, **options):
    return load_dataset(f"tfds:{name}", data_dir=folder, **options)


def labelled(split, labels):
    return dict(zip(split.texts, (labels[i] for i in split.labels), strict=True))


def test_a_plain_set(tmp_path, capsys):
    dataset = load("zoo_plain", tmp_path)
    assert dataset.name == "zoo_plain"
    assert dataset.labels == ("neg", "pos")
    assert [len(s) for s in (dataset.train, dataset.valid, dataset.test)] == [90, 10, 20]
    assert np.bincount(dataset.valid.labels).tolist() == [5, 5]
    assert dataset.train.labels.dtype == np.int32
    assert (
        labelled(dataset.train, dataset.labels).items()
        < {f"text {i}": ("pos", "neg")[i % 2] for i in range(100)}.items()
    )
    assert labelled(dataset.test, dataset.labels)["été 1"] == "pos"
    source = json.loads(json.dumps(dataset.source))
    assert source["version"] == "1.0.0"
    assert source["splits"] == {"train": "train", "test": "test"}
    assert str(tmp_path) not in json.dumps(source)
    assert capsys.readouterr().out == ""  # commands answer in JSON there


def test_a_prepared_set_is_not_generated_again_and_reads_the_same(tmp_path):
    first = load("zoo_plain", tmp_path)
    before = len(PREPARED)
    again = load("zoo_plain", tmp_path)
    assert len(PREPARED) == before
    assert again.train.texts == first.train.texts
    assert again.valid.texts == first.valid.texts


def test_rows_without_labels_are_dropped_and_such_a_test_is_missing(tmp_path):
    dataset = load("zoo_hidden", tmp_path)
    assert dataset.labels == ("z", "a")  # the set's order, not the alphabet's
    assert [len(s) for s in (dataset.train, dataset.valid, dataset.test)] == [90, 10, 10]
    assert all(text.startswith("text") for text in dataset.train.texts + dataset.test.texts)
    assert all(text.startswith("valid") for text in dataset.valid.texts)
    assert dataset.source["features"] == {"text": "sentence", "label": "label"}
    assert dataset.source["unlabelled_rows_dropped"] == {"train": 7, "validation": 0, "test": 10}


def test_features_that_cannot_be_told_apart_are_listed(tmp_path):
    with pytest.raises(
        DatasetError,
        match=r"tfds:zoo_many: cannot tell which feature is the text, .*text_column from 'title', "
        r"'body', 'code'\. The features are: .*stars: .*score: ",
    ):
        load("zoo_many", tmp_path)
    with pytest.raises(
        DatasetError, match=r"cannot tell .* the label, .*label_column from .*'stars'.*'fine'"
    ):
        load("zoo_many", tmp_path, text_column="body")
    assert "zoo_many" not in PREPARED  # said before any work


@pytest.mark.parametrize(
    "column, names, first",
    [
        ("coarse", ("x", "y"), "y"),
        ("fine", ("0", "1", "2"), "1"),
        ("stars", ("2", "5", "10"), "10"),
        ("liked", ("false", "true"), "false"),
        ("code", ("p", "q"), "q"),
    ],
)
def test_columns_choose(tmp_path_factory, column, names, first):
    folder = tmp_path_factory.getbasetemp() / "many"
    dataset = load("zoo_many", folder, text_column="title", label_column=column)
    assert dataset.labels == names
    everything = {}
    for split in (dataset.train, dataset.valid, dataset.test):
        everything |= labelled(split, dataset.labels)
    assert len(everything) == 60
    assert everything["title 1"] == first


@pytest.mark.parametrize(
    "options", [{"text_column": "body", "label_column": "score"}, {"text_column": "texts"}]
)
def test_columns_that_do_not_fit_are_refused(tmp_path, options):
    with pytest.raises(DatasetError, match=r"no feature '(score|texts)' that can be the"):
        load("zoo_many", tmp_path, **options)


def test_the_features_that_the_set_declares_are_taken(tmp_path):
    dataset = load("zoo_declared", tmp_path)
    assert dataset.source["features"] == {"text": "body", "label": "stars"}


def test_a_lone_number_is_not_taken_for_the_label(tmp_path):
    with pytest.raises(DatasetError, match=r"label_column from 'number'"):
        load("zoo_numbers", tmp_path)
    assert load("zoo_numbers", tmp_path, label_column="number").labels == ("0", "1")


def test_configurations(tmp_path):
    assert load("zoo_configured/large", tmp_path).source["config"] == "large"
    with pytest.raises(
        DatasetError,
        match=r"tfds:zoo_configured/big: .* no configuration 'big'; it has 'small', 'large'",
    ):
        load("zoo_configured/big", tmp_path)


@pytest.mark.parametrize(
    "name, message",
    [
        ("zoo_plane", r"tfds:zoo_plane: .*has no set of this name.*Did you mean tfds:zoo_plain"),
        ("imdb_review", r"Did you mean tfds:imdb_reviews.* tfds\.list_builders"),
        ("", r"tfds:: ValueError: .*The form is tfds:NAME"),
        ("zoo_plain:7.0.0", r"tfds:zoo_plain:7\.0\.0: .*7\.0\.0"),
        ("zoo_no_train", r"tfds:zoo_no_train: no split 'train'; it has 'validation'"),
        ("zoo_no_labels", r"tfds:zoo_no_labels: no row of train has a label in 'label'"),
    ],
)
def test_sets_that_cannot_be_had(tmp_path, name, message):
    with pytest.raises(DatasetError, match=message):
        load(name, tmp_path)


def test_no_network(tmp_path, monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    started = time.monotonic()
    with pytest.raises(
        DatasetError,
        match=r"tfds:zoo_offline: could not be prepared in .*zoo_offline.*: ConnectionError: .*"
        r"network or the set's archive in download_dir",
    ):
        load("zoo_offline", tmp_path)
    assert time.monotonic() - started < 60


def test_a_process_that_was_faster_is_no_error(tmp_path, monkeypatch):
    generate = ZooPlain._split_generators

    def slow(self, dl_manager):
        splits = generate(self, dl_manager)
        monkeypatch.setattr(ZooPlain, "_split_generators", generate)
        load("zoo_plain", tmp_path)
        return splits

    monkeypatch.setattr(ZooPlain, "_split_generators", slow)
    before = len(PREPARED)
    assert len(load("zoo_plain", tmp_path).test) == 20
    assert len(PREPARED) == before + 2


@pytest.fixture
def embedded(monkeypatch):
    """A small set in the place of the embedded reviews."""
    module = types.ModuleType("zoo.datasets.reviews")
    module.Reviews = ZooPlain
    monkeypatch.setitem(sys.modules, "zoo.datasets.reviews", module)


def test_reviews_go_to_data_dir_or_the_cache(tmp_path, monkeypatch, embedded):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    dataset = load_dataset("reviews")
    assert (dataset.name, dataset.source["path"]) == ("reviews", "reviews")
    assert (tmp_path / "cache" / "birnn_zoo" / "zoo_plain").is_dir()
    load_dataset("reviews", data_dir=tmp_path / "data")
    assert (tmp_path / "data" / "zoo_plain").is_dir()


def test_a_cache_that_cannot_be_written(tmp_path, embedded):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"reviews: could not be prepared in .*data_dir"):
        load_dataset("reviews", data_dir=tmp_path / "file")


def test_the_embedded_reviews(tmp_path):
    dataset = load_dataset("reviews", data_dir=tmp_path)
    assert dataset.name == "reviews"
    assert len(dataset.labels) == 2
    for split in (dataset.train, dataset.valid, dataset.test):
        assert set(split.labels) == {0, 1}


def test_without_tfds_the_remedy_is_named():
    code = (
        "import sys; sys.modules['tensorflow_datasets'] = None\n"
        "from zoo.datasets import load_dataset, DatasetError\n"
        "try: load_dataset('tfds:glue')\n"
        "except DatasetError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "pip install tensorflow-datasets" in done.stdout
