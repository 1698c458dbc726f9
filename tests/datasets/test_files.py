"""The user's own files: what is read, and what each bad file is told."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.datasets import DatasetError, load_dataset
from zoo.datasets.files import read_path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


def write(path, content, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path, text_column="text", label_column="label"):
    return read_path(str(path), text_column=text_column, label_column=label_column)


def train_rows(path, **columns):
    rows = read(path, **columns).rows["train"]
    return list(zip(rows.texts, rows.labels, strict=True))


def table(n=30, separator="\t", start="label\ttext\n"):
    return start + "".join(f"{'ab'[i % 2]}{separator}text number {i}\n" for i in range(n))


def test_the_import_brings_no_tensorflow():
    code = (
        "import sys, zoo; before = set(sys.modules); import zoo.datasets; "
        "print([m for m in sys.modules if m not in before and m.startswith('tensorflow')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


# What is read


def test_a_tsv_file_alone_becomes_three_parts(tmp_path):
    dataset = load_dataset(str(write(tmp_path / "mine.tsv", table(100))))
    assert dataset.name == "mine"
    assert dataset.labels == ("a", "b")
    assert [len(s) for s in (dataset.train, dataset.valid, dataset.test)] == [80, 10, 10]
    assert dataset.source["kind"] == "files"
    assert len(dataset.source["files"]["train"]["sha256"]) == 64
    json.dumps(dataset.source)


def test_a_path_object_and_the_home_folder_are_taken(tmp_path, monkeypatch):
    path = write(tmp_path / "mine.tsv", table())
    assert len(load_dataset(path).train) == len(load_dataset(str(path)).train)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert load_dataset("~/mine.tsv").name == "mine"


def test_quotes_in_tsv_are_text(tmp_path):
    content = 'label\ttext\na\tHe said "no\nb\t"yes"\na\t""\n'
    found = train_rows(write(tmp_path / "t.tsv", content))
    assert found == [('He said "no', "a"), ('"yes"', "b"), ('""', "a")]


def test_tsv_lines_end_at_line_feeds_alone(tmp_path):
    content = "label\ttext\r\na\tone\x0btwo\x85three\u2028four\r\n\r\nb \t last \r\n"
    found = train_rows(write(tmp_path / "t.tsv", content))
    assert found == [("one\x0btwo\x85three\u2028four", "a"), (" last ", "b")]


def test_csv_quotes_and_line_breaks(tmp_path):
    content = 'id,text,label\r\n1,"one, ""two""\nthree",a\r\n\r\n2,plain,b\r\n'
    found = train_rows(write(tmp_path / "t.csv", content))
    assert found == [('one, "two"\nthree', "a"), ("plain", "b")]


def test_jsonl_keys_and_label_kinds(tmp_path):
    lines = [
        {"text": "one\n\ttwo", "label": "a", "id": 7},
        {"label": 3, "text": "three"},
        {"label": True, "text": ""},
    ]
    content = "\r\n".join(map(json.dumps, lines)) + "\n\n"
    found = train_rows(write(tmp_path / "t.JSONL", content))
    assert found == [("one\n\ttwo", "a"), ("three", "3"), ("", "true")]


def test_columns_by_name_in_any_order(tmp_path):
    path = write(tmp_path / "t.tsv", "stars\tid\treview\n5\tx\tgood\n1\ty\tbad\n")
    found = train_rows(path, text_column="review", label_column="stars")
    assert found == [("good", "5"), ("bad", "1")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("ending", ["tsv", "csv"])
def test_byte_order_marks_are_understood(tmp_path, encoding, ending):
    separator = "\t" if ending == "tsv" else ","
    content = f"label{separator}text\na{separator}café 日本\nb{separator}x\n"
    found = train_rows(write(tmp_path / f"t.{ending}", content, encoding))
    assert found == [("café 日本", "a"), ("x", "b")]


@pytest.mark.parametrize("ending", ["tsv", "csv", "jsonl"])
def test_a_long_text_is_read_whole(tmp_path, ending):
    text = "word " * 200_000
    content = {
        "tsv": f"label\ttext\na\t{text}\nb\tx\n",
        "csv": f'label,text\na,"{text}"\nb,x\n',
        "jsonl": "".join(json.dumps({"text": t, "label": "a"}) + "\n" for t in (text, "x")),
    }[ending]
    before = csv.field_size_limit(1000)
    try:
        assert train_rows(write(tmp_path / f"t.{ending}", content))[0] == (text, "a")
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)


def test_one_empty_text_is_legal(tmp_path):
    content = "label\ttext\na\t\nb\tx\n"
    assert train_rows(write(tmp_path / "t.tsv", content)) == [("", "a"), ("x", "b")]


@pytest.mark.parametrize("valid", ["valid", "validation", "dev", "val"])
def test_a_folder_of_part_files(tmp_path, valid):
    write(tmp_path / "set" / "train.tsv", table(30))
    write(tmp_path / "set" / f"{valid}.csv", "label,text\na,one\n")
    write(tmp_path / "set" / "test.jsonl", '{"label": "b", "text": "two"}\n')
    for other in ("README.md", "train.txt", "train_more.tsv", ".test.tsv"):
        write(tmp_path / "set" / other, "?")
    dataset = load_dataset(str(tmp_path / "set"))
    assert dataset.name == "set"
    assert (len(dataset.train), dataset.valid.texts, dataset.test.texts) == (30, ["one"], ["two"])


def test_a_folder_without_test_holds_it_out(tmp_path):
    write(tmp_path / "train.tsv", table(30))
    write(tmp_path / "valid.tsv", table(4).replace("number", "no."))
    dataset = load_dataset(str(tmp_path))
    assert [len(s) for s in (dataset.train, dataset.valid, dataset.test)] == [26, 4, 4]


def test_a_folder_of_texts_by_part_and_label(tmp_path):
    for part in ("train", "test"):
        for label in ("neg", "pos"):
            for i in (10, 2, 1):
                write(tmp_path / part / label / f"{i}.txt", f"{part} {label}\nno. {i}\n")
    write(tmp_path / "train" / "unsup" / "1.txt", "no label")
    write(tmp_path / "train" / "pos" / "notes.md", "?")
    found = train_rows(tmp_path)
    assert [label for _, label in found] == ["neg"] * 3 + ["pos"] * 3
    assert [text.split("no. ")[1] for text, _ in found] == ["1", "10", "2"] * 2
    assert found[0][0] == "train neg\nno. 1"
    dataset = load_dataset(str(tmp_path))
    assert dataset.labels == ("neg", "pos")
    assert [len(s) for s in (dataset.train, dataset.valid, dataset.test)] == [4, 2, 6]


def test_the_digest_of_a_folder_follows_its_files(tmp_path):
    write(tmp_path / "train" / "a" / "1.txt", "one")
    path = write(tmp_path / "train" / "b" / "1.txt", "two")
    before = read(tmp_path).source["files"]["train"]["sha256"]
    assert read(tmp_path).source["files"]["train"]["sha256"] == before
    path.write_text("three")
    assert read(tmp_path).source["files"]["train"]["sha256"] != before


# What bad files are told

BAD = {
    "no header": (
        "t.tsv",
        "DESC\tHow did it go ?\nNUM\tHow many ?\n",
        r"t\.tsv, line 1: no column is named 'text'; the columns are 'DESC', 'How did it "
        r"go \?'\. The first line must name.*text_column",
    ),
    "wrong columns": (
        "t.csv",
        "text,class\nx,a\n",
        r"t\.csv, line 1: no column is named 'label'; .*'text', 'class'",
    ),
    "semicolons": ("t.csv", "label;text\na;x\n", r"line 1: .*'label;text'.*separated by a comma"),
    "semicolons and quotes": (
        *("t.csv", 'label;text\na;"x"\n"b";"y"\n'),
        r"line 1: .*'label;text'.*separated by a comma",
    ),
    "semicolons and a quoted header": (
        *("t.csv", '"label";"text"\n"a";"x"\n'),
        r"line 1: not valid CSV .*separated by commas",
    ),
    "a column twice": ("t.csv", "text,text,label\nx,y,a\n", "line 1: more than one column is"),
    "nothing": ("t.tsv", "", r"t\.tsv, line 1: .*the columns are none"),
    "a header alone": ("t.tsv", "label\ttext\n", r"t\.tsv: no rows"),
    "no lines of JSON": ("t.jsonl", "\n", r"t\.jsonl: no rows"),
    "too few cells": (
        "t.tsv",
        "label\ttext\na\tx\nb\n",
        r"t\.tsv, line 3: the row's cells \(1\) and the header's \(2\)",
    ),
    "too many cells": (
        "t.tsv",
        "label\ttext\na\tx\ty\n",
        r"t\.tsv, line 2: the row's cells \(3\) .*cannot contain a tab",
    ),
    "too many cells in csv, after a text of two lines": (
        "t.csv",
        'label,text\na,"x\ny"\nb,one, two\n',
        r"t\.csv, line 4: the row's cells \(3\) .*double quotes",
    ),
    "an open quote": (
        "t.csv",
        'label,text\na,x\nb,"open\nc,y\n',
        r"t\.csv, line 3: not valid CSV .*doubled",
    ),
    "a quote inside": ("t.csv", 'label,text\na,"say "no" now"\n', r"t\.csv, line 2: not valid CSV"),
    "an empty label": (
        "t.tsv",
        "label\ttext\na\tx\n  \ty\n",
        r"t\.tsv, line 3: the label is empty\. Give",
    ),
    "a label of two lines": (
        "t.csv",
        'label,text\n"a\nb",x\n',
        r"t\.csv, line 2: the label .*line break",
    ),
    "texts all empty": ("t.tsv", "label\ttext\na\t\nb\t \n", r"t\.tsv: every text is empty"),
    "Latin-1": (
        "t.tsv",
        "label\ttext\na\tx\nb\tcafé\n".encode("latin-1"),
        r"t\.tsv, line 3: the byte 0xe9 at offset 20 is not UTF-8\. Save the file as UTF-8",
    ),
    "UTF-16 cut short": (
        "t.tsv",
        "label\ttext\na\tx\n".encode("utf-16")[:-1],
        r"t\.tsv, line 2: the byte 0x0a at offset \d+ is not UTF-16",
    ),
    "a NUL": ("t.tsv", "label\ttext\na\tx\0\n", r"t\.tsv, line 2: a NUL character"),
    "UTF-16 without a mark": (
        "t.tsv",
        "label\ttext\na\tx\n".encode("utf-16-le"),
        r"t\.tsv, line 1: a NUL character.*UTF-16",
    ),
    "a NUL in JSON": (
        "t.jsonl",
        '{"text": "x\\u0000", "label": "a"}\n',
        r"t\.jsonl, line 1: the row contains a NUL",
    ),
    "half a pair in JSON": (
        "t.jsonl",
        '{"text": "x\\ud83d", "label": "a"}\n',
        r"t\.jsonl, line 1: .*surrogate",
    ),
    "bad JSON": (
        "t.jsonl",
        '{"text": "x", "label": "a"}\n{"text": \n',
        r"t\.jsonl, line 2: not valid JSON",
    ),
    "endless JSON": ("t.jsonl", "[" * 100_000, r"t\.jsonl, line 1: not valid JSON"),
    "a JSON list": ("t.jsonl", '["x", "a"]\n', r"t\.jsonl, line 1: the line is a list.*object"),
    "a JSON key missing": (
        "t.jsonl",
        '{"text": "x", "class": "a"}\n',
        r"t\.jsonl, line 1: no key 'label'; the keys are 'text', 'class'",
    ),
    "a JSON text of numbers": (
        "t.jsonl",
        '{"text": 5, "label": "a"}\n',
        r"t\.jsonl, line 1: 'text' is a number",
    ),
    "a JSON label of null": (
        "t.jsonl",
        '{"text": "x", "label": null}\n',
        r"t\.jsonl, line 1: 'label' is null",
    ),
    "a JSON label with a fraction": (
        "t.jsonl",
        '{"text": "x", "label": 0.5}\n',
        r"t\.jsonl, line 1: 'label' is a number; a label must be",
    ),
    "another ending": ("t.xlsx", "x", r"t\.xlsx: .*\.tsv, \.csv, \.jsonl.*ends in \.xlsx"),
    "no ending": ("t", "x", r"t: .*ends in nothing"),
    "one label": ("t.tsv", "label\ttext\na\tx\na\ty\n", r"t\.tsv: train has only one label, 'a'"),
    "too few rows": (
        "t.tsv",
        table(4),
        r"t\.tsv: too few rows to hold out test and valid: .*'a' has 2, 'b' has 2",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path, case):
    name, content, message = BAD[case]
    path = write(tmp_path / name, content)
    with pytest.raises(DatasetError, match=message) as error:
        load_dataset(str(path))
    assert str(path) in str(error.value)


@pytest.mark.parametrize("part", ["valid", "test"])
def test_a_label_that_train_lacks(tmp_path, part):
    write(tmp_path / "train.tsv", table(30))
    write(tmp_path / f"{part}.tsv", "label\ttext\na\tx\n\nnew\ty\n")
    with pytest.raises(DatasetError, match=rf"{part}\.tsv, line 4: the label 'new' of {part}"):
        load_dataset(str(tmp_path))


def test_a_missing_file_suggests_near_names(tmp_path, monkeypatch):
    write(tmp_path / "reviews_train.tsv", table())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"no such file.*Did you mean .*reviews_train\.tsv\?"):
        load_dataset(str(tmp_path / "review_train.tsv"))
    with pytest.raises(DatasetError, match=r"no such file.*nowhere does not exist either"):
        load_dataset(str(tmp_path / "nowhere" / "x.tsv"))
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(DatasetError, match=r"Did you mean reviews\?.*tfds:NAME"):
        load_dataset("review")


def test_a_folder_without_train(tmp_path):
    write(tmp_path / "data.tsv", table())
    with pytest.raises(DatasetError, match=r"no training rows\. .*has data\.tsv\. Rename"):
        load_dataset(str(tmp_path))


def test_a_part_given_twice(tmp_path):
    write(tmp_path / "train.tsv", table())
    write(tmp_path / "dev.tsv", table())
    write(tmp_path / "valid.csv", table())
    with pytest.raises(DatasetError, match=r"both dev\.tsv and valid\.csv are valid rows"):
        load_dataset(str(tmp_path))


def test_folders_without_texts(tmp_path):
    write(tmp_path / "train" / "1.txt", "x")
    with pytest.raises(DatasetError, match=r"train: no label folders.*train/LABEL/\*\.txt"):
        load_dataset(str(tmp_path))
    write(tmp_path / "train" / "a" / "1.md", "x")
    with pytest.raises(DatasetError, match=r"a: no \.txt file in this label folder"):
        load_dataset(str(tmp_path))


def test_a_bad_text_file_is_named(tmp_path):
    write(tmp_path / "train" / "a" / "1.txt", "fine")
    write(tmp_path / "train" / "a" / "2.txt", b"one\ncaf\xe9")
    with pytest.raises(DatasetError, match=r"2\.txt, line 2: the byte 0xe9 at offset 7"):
        load_dataset(str(tmp_path))


# Real files, where they are at hand


@pytest.mark.parametrize(
    "name, labels, sizes",
    [
        ("trec", 6, (4906, 546, 500)),
        ("sms_spam", 2, (4033, 448, 1093)),
        ("sst2", 2, (67349, 872, 1821)),
        ("clinc150", 150, (15000, 3000, 4500)),
    ],
)
def test_real_files(name, labels, sizes):
    if not (SHARED / name).is_dir():
        pytest.skip(f"no {SHARED / name}")
    dataset = load_dataset(str(SHARED / name))
    assert len(dataset.labels) == labels
    assert (len(dataset.train), len(dataset.valid), len(dataset.test)) == sizes
    assert set(np.unique(dataset.train.labels)) == set(range(labels))
    lines = (SHARED / name / "test.tsv").read_bytes().decode().rstrip("\n").split("\n")[1:]
    ids = dict(enumerate(dataset.labels))
    assert lines == [
        f"{ids[label]}\t{text}"
        for text, label in zip(dataset.test.texts, dataset.test.labels.tolist(), strict=True)
    ]
