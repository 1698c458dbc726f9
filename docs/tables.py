"""The generated tables of README and docs/: from the code, from results/ and from model cards.

    python -m docs.tables

rewrites them, between `<!-- table: NAME -->` and `<!-- end of table -->`. The tests fail for a page
whose tables are not up to date.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from studies.brought.cases import CASES
from zoo import pretrained
from zoo.catalogue import FAMILIES
from zoo.files import read_table, write_text

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
BLOCK = re.compile(
    r"(?P<begin><!-- table: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end of table -->)", re.DOTALL
)
TELLS = {  # what a shipped model predicts
    "film-review-sentiment": "praise or blame in a film review",
    "sentence-sentiment": "praise or blame in a sentence",
    "question-type": "what a question asks for, 6 labels",
    "sms-spam": "spam among text messages",
    "news-topic": "world, sports, business or science",
    "assistant-commands": "what an assistant is asked to do, 7 labels",
    "assistant-intents": "the same, 150 labels",
}
SETS = {
    "ag_news": "AG News",
    "banking77": "Banking77",
    "clinc150": "CLINC150",
    "imdb_reviews": "IMDB",
    "sms_spam": "SMS Spam",
    "snips": "SNIPS",
    "sst2": "SST-2",
    "trec": "TREC",
}
# Shipped models that were trained before changes to training, see results/README.md.
OLDER = ("film-review-sentiment", "news-topic", "sms-spam")
SPEED = {  # a row: which time is divided by which, for the base model
    "`bilstm` `loop` / stock Keras conversion": ("bilstm", "loop", "bilstm", "stock"),
    "`bilstm` `loop` / ONNX Runtime": ("bilstm", "loop", "bilstm", "onnx"),
    "`bigru` `loop` / stock Keras conversion": ("bigru", "loop", "bigru", "stock"),
    "`bigru` `loop` / ONNX Runtime, which keeps its GRU in float": (
        *("bigru", "loop"),
        *("bigru", "onnx"),
    ),
    "`peephole-bilstm` `loop` / `bilstm` `loop`": ("peephole-bilstm", "loop", "bilstm", "loop"),
    "`bilstm` `fused` / `bilstm` `loop`": ("bilstm", "fused", "bilstm", "loop"),
}
CLIENTS = {  # as results/export.csv names them
    "litert": "LiteRT's interpreter",
    "tf.lite": "TensorFlow's interpreter",
    "compiled": "LiteRT's `CompiledModel`",
    "mediapipe": "MediaPipe in Python",
    "web": "MediaPipe on the web",
    "micro": "tflite-micro",
}


def pages() -> list[Path]:
    """README and the pages of the site."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def filled(page: str) -> str:
    """A page with its tables up to date.

    Raises:
        KeyError: If the page names a table that does not exist.
    """
    return BLOCK.sub(lambda found: found["begin"] + TABLES[found["name"]]() + found["end"], page)


def shipped() -> str:
    """The models that come with the package."""
    rows = []
    for name in TELLS:
        record = pretrained.config(name)
        measured, data = record["measured"], record["data"]["name"]
        low, high = measured["interval"]
        year, licence = pretrained.DATA[data]
        rows.append(
            (
                f"`{name}`{' †' if name in OLDER else ''}",
                TELLS[name],
                f"{measured['accuracy']:.1%} ({low:.1%} to {high:.1%}) of {measured['texts']:,}",
                f"{pretrained.file(name).stat().st_size / 1e6:.1f}",
                f"{SETS[data]}, {year}",
                licence,
            )
        )
    head = ("name", "predicts", "test accuracy (95 % confidence interval)", "MB", "data", "licence")
    return table(head, rows)


def catalogue() -> str:
    """Every family of the catalogue, with its lowerings besides `loop` and `unrolled`."""
    head = ("model", "layer", "from", "more lowerings")
    rows = []
    for name, family in FAMILIES.items():
        more = [way for way in family.lowerings.split() if way not in ("loop", "unrolled")]
        rows.append((f"`{name}`", family.title, family.source, ", ".join(more)))
    return table(head, rows)


def clients() -> str:
    """How many of the catalogue's files each client runs, by results/export.csv."""
    counts: dict[tuple[str, str], list[int]] = {}
    for row in read_table(RESULTS / "export.csv"):
        kind = (row["lowering"], row["precision"])
        total, *runs = counts.setdefault(kind, [0] * (len(CLIENTS) + 1))
        ran = row["clients"].split()
        counts[kind] = [total + 1, *(n + (c in ran) for n, c in zip(runs, CLIENTS, strict=True))]
    rows = [
        (f"`{lowering}`", f"`{precision}`", *(f"{n} of {total}" if n else "–" for n in runs))
        for (lowering, precision), (total, *runs) in sorted(counts.items())
    ]
    return table(("lowering", "precision", *CLIENTS.values()), rows)


def accuracy() -> str:
    """Each run of results/accuracy.csv, with its two int8 files."""
    runs: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
    for row in read_table(RESULTS / "accuracy.csv"):
        made = re.match(r"make -f recipes/([a-z-]+)\.mk", row["command"])
        key = (row["dataset"], row["model"], made[1] if made else "", row["seed"])
        form = "fused" if "-fused-" in row["file"] else "loop"
        runs.setdefault(key, {})[form] = row
    rows = []
    for (data, model, recipe, seed), found in sorted(runs.items()):
        row = found["fused"]
        rows.append(
            (
                SETS[data],
                f"{int(row['train']):,} / {int(row['test']):,}",
                f"`{model}`",
                f"`{recipe}`" if recipe else "`make results`",
                seed,
                row["accuracy_keras"],
                row["accuracy_file"],
                found["loop"]["accuracy_file"],
                row["interval"],
                f"{int(row['bytes']) / 1e6:.1f}",
            )
        )
    head = ("data", "texts to train / test", "model", "recipe", "seed", "Keras", "`fused` int8")
    return table((*head, "`loop` int8", "95 % confidence interval", "MB"), rows)


def first_hour() -> str:
    """Training on small data sets with default settings, beside TF-IDF."""
    rows = [
        (SETS[row["dataset"]], f"{int(row['rows']):,}", row["accuracy"], row["tfidf"],
         row["tfidf_all_rows"], row["most_frequent_label"], row["seconds"])
        for row in read_table(RESULTS / "first_hour.csv")
    ]  # fmt: skip
    head = ("data", "rows", "`bilstm-small`", "TF-IDF", "TF-IDF, validation rows too")
    return table((*head, "most frequent label", "seconds"), rows)


def speed() -> str:
    """Ratios of prediction times, for the base model on one thread."""
    rows = [row for row in read_table(RESULTS / "speed.csv") if row["threads"] == "1"]

    def of(column: str, study: str, **wanted: str) -> list[float]:
        """The values of the float32 and the int8 row."""
        return [
            float(row[column])
            for precision in ("float32", "int8")
            for row in rows
            if row["study"] == study and row["precision"] == precision
            if all(row[name] == value for name, value in wanted.items())
        ]

    found = {}
    for name, (model, form, other, other_form) in SPEED.items():
        found[name] = (
            of("median_ms", "models", model=model, form=form),
            of("median_ms", "models", model=other, form=other_form),
        )
    loop = {"model": "bilstm", "form": "loop"}
    found["20 words of 256 ids / 256 words, `bilstm` `loop`"] = (
        of("median_ms", "words", **loop, words="20"),
        of("median_ms", "words", **loop, words="256"),
    )
    found["memory of a first answer, `bilstm` `loop` / ONNX Runtime"] = (
        of("peak_kb", "models", **loop),
        of("peak_kb", "models", model="bilstm", form="onnx"),
    )
    return table(
        ("time of an answer, as a ratio", "`float32`", "`int8`"),
        [
            (name, *(f"{a / b:.2f}" for a, b in zip(*pair, strict=True)))
            for name, pair in found.items()
        ],
    )


def textbook() -> str:
    """The four cells of the textbook comparison: cost, and accuracy over seeds."""
    rows = []
    for row in read_table(RESULTS / "lstm_vs_gru.csv"):
        found = [
            f"{float(row[f'{data}_accuracy']):.3f} ± {float(row[f'{data}_interval']):.3f}"
            for data in ("trec", "sms_spam")
        ]
        count = f"{int(row['recurrent_parameters']):,}"
        rows.append((f"`{row['model']}`", count, row["training_step_of_bilstm"], *found))
    head = ("model", "recurrent parameters", "training step, of the LSTM's")
    return table((*head, "TREC", "SMS Spam"), rows)


def attacks() -> str:
    """Outcomes of damaged files and killed runs, summed over the kinds of damage."""
    outcomes = ("refused", "same", "changed", "traceback", "signal", "hang", "memory")
    sums: dict[str, list[int]] = {}
    for row in read_table(RESULTS / "attacks.csv"):
        total = sums.setdefault(row["attack"], [0] * (len(outcomes) + 1))
        found = [int(row["tries"]), *(int(row[outcome]) for outcome in outcomes)]
        sums[row["attack"]] = [a + b for a, b in zip(total, found, strict=True)]
    rows = [(name, *(f"{n:,}" for n in total)) for name, total in sums.items()]
    return table(("what", "tries", *outcomes), rows)


def brought() -> str:
    """Kinds of Keras models, and what an export makes of them."""
    rows = [
        (
            case.what,
            "" if case.says else ", ".join(f"`{name}`" for name in case.lowerings),
            f"… {case.says} …" if case.says else "",
        )
        for case in CASES
    ]
    return table(("the model has", "exported as", "or what it says"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


TABLES: dict[str, Callable[[], str]] = {
    "shipped": shipped,
    "catalogue": catalogue,
    "clients": clients,
    "accuracy": accuracy,
    "first-hour": first_hour,
    "speed": speed,
    "textbook": textbook,
    "attacks": attacks,
    "brought": brought,
}


def main() -> None:
    """Rewrites the tables of all pages."""
    for path in pages():
        before = path.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            write_text(path, after)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
