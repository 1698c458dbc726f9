"""The model card of a run."""

import json

from zoo import bundle, card
from zoo.training import baseline


def test_it_has_the_figures_the_labels_and_the_warning(tiny_run):
    run = bundle.load(tiny_run)
    figures = json.loads((tiny_run / "metrics.json").read_text())
    rows = baseline.compared(figures)
    text = card.render(run, figures, rows, "Warning: it is worse.")
    assert text.startswith(f"# {run.name} on ")
    assert "Warning: it is worse." in text
    for split in ("validation", "test"):
        assert f"{figures[split]['accuracy']:.4f}" in text
    for title, *_ in rows:
        assert f"| {title} |" in text
    assert all(label in text for label in run.labels)
    assert "Warning" not in card.render(run, figures, rows, None)


def test_many_labels_are_counted_and_not_listed(tiny_run):
    run = bundle.load(tiny_run)
    labels = tuple(f"label {number}" for number in range(30))
    many = bundle.Bundle(run.model, run.tokenizer, labels, run.config)
    text = card.render(many, run.figures, baseline.compared(run.figures), None)
    assert "label 9, … (30 in all)" in text and "label 10" not in text


def test_that_of_an_import_says_what_was_assumed_and_checked(tiny_run):
    run = bundle.load(tiny_run)
    origin = {"from": "model.pt", "assumed": ["padding has id 0"], "checked": None}
    text = card.imported(bundle.Bundle(run.model, run.tokenizer, run.labels,
                                       run.config | {"imported": origin}))  # fmt: skip
    assert "- padding has id 0" in text and "It was not checked" in text
    origin["checked"] = {"texts": 7, "largest_difference": 1e-6, "padding_seen": False}
    text = card.imported(bundle.Bundle(run.model, run.tokenizer, run.labels,
                                       run.config | {"imported": origin}))  # fmt: skip
    assert "7 texts" in text and "1.0e-06" in text and "None of them was padded" in text
