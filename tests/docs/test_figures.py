"""README and docs/ say no other figures than the code, results/ and the model cards have."""

import pkgutil
import re

import pytest

import export
import zoo
from docs import tables
from tests.docs.pages import ROOT, read
from zoo import catalogue, pretrained
from zoo.files import read_table

RESULTS = ROOT / "results"


def said(page: str, *figures: str) -> None:
    """Asserts that a page has these words, wherever its lines break."""
    text = " ".join(read(ROOT / page).split())
    for figure in figures:
        assert figure in text, figure


@pytest.mark.parametrize("page", tables.pages(), ids=lambda path: path.name)
def test_tables_are_current(page):
    text = read(page)
    assert text == tables.filled(text), "run python -m docs.tables"


def test_every_table_has_its_place_and_every_row():
    text = "".join(read(page) for page in tables.pages())
    assert {found["name"] for found in tables.BLOCK.finditer(text)} == set(tables.TABLES)
    assert sorted(tables.TELLS) == pretrained.names()
    assert set(tables.OLDER) <= set(tables.TELLS)
    assert tables.shipped().count("\n") == 2 + len(pretrained.names())
    assert tables.catalogue().count("\n") == 2 + len(catalogue.FAMILIES)


def test_an_outdated_table_is_noticed():
    page = read(ROOT / "README.md")
    changed = page.replace("| 98.4%", "| 99.4%")
    assert changed != page == tables.filled(changed)


def test_readme_stays_short():
    assert len(read(ROOT / "README.md").splitlines()) <= 150


def test_the_number_of_cells():
    count = len(catalogue.FAMILIES)
    said(
        "README.md", f"one of {count - 2} other recurrent cells", f"has {count} cells to start from"
    )
    said("docs/overview.svg", f"one of {count - 2} others")
    said("docs/index.md", f"another of {count} recurrent cells")
    said("docs/catalogue.md", f"{count} recurrent cells")


def test_the_sizes():
    for size, row in catalogue.SIZES.items():
        name = f"`bilstm-{size}`" if size else "`bilstm` (base)"
        said("docs/training.md", f"{name} | {row.embed_dim} | {row.hidden_dim} | {row.num_layers}")


def test_what_the_leaderboard_shows():
    row = re.compile(r"\| `([a-z-]+)-tiny` \| \w+ \| (\d+) \| ([\d.]+) \|.* ([\d.]+) \|")
    rows = {
        name: (int(kilobytes), float(milliseconds), float(mean))
        for name, kilobytes, milliseconds, mean in row.findall(read(RESULTS / "leaderboard.md"))
    }
    for name, cost in (("diagonal-bilstm", 0), ("biindrnn", 1)):
        own = rows[name]
        said("docs/catalogue.md", f"(`{name}`)")
        assert not [one for one, r in rows.items() if r[2] >= own[2] and r[cost] < own[cost]], name


def test_where_a_loop_files_time_goes():
    shares = [
        sum(
            float(row["share"])
            for row in read_table(RESULTS / "profile.csv")
            if (row["model"], row["precision"]) == ("bilstm", precision)
            if row["work"].startswith("products")
        )
        for precision in ("float32", "int8")
    ]
    said(
        "docs/speed.md", f"{shares[0]:.0%} (float32) and {shares[1]:.0%} (int8)".replace("%", " %")
    )


def test_training_steps():
    rows = read_table(RESULTS / "training_speed.csv")
    times = {
        (row["model"], row["xla"]): float(row["median_ms"])
        for row in rows
        if row["backend"] == "tensorflow"
    }
    ratio = times["peephole-bilstm", "False"] / times["bilstm", "False"]
    said("docs/speed.md", f"takes {ratio:.2f} of the built-in LSTM's", "XLA makes both slower")
    for model in ("bilstm", "peephole-bilstm"):
        assert times[model, "True"] > times[model, "False"]


def test_what_a_gru_costs():
    rows = {row["model"]: row for row in read_table(RESULTS / "lstm_vs_gru.csv")}
    gru, lstm = rows["bigru"], rows["bilstm"]
    said("docs/textbook.md", f"takes {gru['training_step_of_bilstm']} of the")
    share = int(gru["recurrent_parameters"]) / int(lstm["recurrent_parameters"])
    assert round(share, 2) == 0.75  # three quarters


def test_what_help_was_worth():
    card = " ".join(read(pretrained.FOLDER / "film-review-sentiment" / "README.md").split())
    for words in (
        "labels alone 0.886, n-grams alone 0.914",
        "which reads 600 ids instead of 400, 0.922",
    ):
        assert words in card
    said("docs/training.md", "alone gave 0.886", "n-grams alone 0.914", "in three rounds 0.922")
    of = {
        row["command"].partition(" --")[0]: float(row["accuracy_file"])
        for row in read_table(RESULTS / "accuracy.csv")
        if row["dataset"] == "trec" and "-fused-" in row["file"]
    }
    helped, alone = of["make -f recipes/question-type.mk"], of["python train.py"]
    said("docs/training.md", f"{helped:.1%} on the test".replace("%", " %"))
    said("docs/training.md", f"got {alone:.1%}".replace("%", " %"))


def test_the_clients_were_asked_so_many_texts():
    (count,) = {row["texts"] for row in read_table(RESULTS / "export.csv")}
    said("docs/clients.md", f"with {count} texts each")


def test_how_long_small_data_take():
    found = {"200": [], "2000": []}
    for row in read_table(RESULTS / "first_hour.csv"):
        found[row["rows"]].append(int(row["seconds"]))
    few, more = (f"{min(times)} to {max(times)}" for times in found.values())
    said("docs/training.md", f"200 and 2,000 texts: they took {few} and {more} seconds")


def test_the_reference_has_every_public_name():
    page = read(ROOT / "docs" / "api.md")
    for package in (zoo, export):
        for name in package.__all__:
            assert f":: {package.__name__}.{name}\n" in page, name


def test_the_reference_has_no_name_that_the_code_lacks():
    names = re.findall(r"^\.\. auto\w+:: (.+)$", read(ROOT / "docs" / "api.md"), re.MULTILINE)
    assert len(names) > 25
    for name in names:
        pkgutil.resolve_name(name)
