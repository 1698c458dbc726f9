"""The model card: what it states is what the run holds."""

from types import SimpleNamespace

import pytest

from zoo import card, kinds

FIGURES = {
    "best_epoch": 3,
    "validation": {"examples": 1200, "accuracy": 0.91, "loss": 0.25},
    "test": {"examples": 20, "accuracy": 0.9, "loss": 0.3},
}
COMPARED = [("most frequent label", 0.5, 0.5), ("this model", 0.91, 0.9)]


def bundle(labels=("bad", "good"), **config):
    return SimpleNamespace(
        name="bilstm-tiny",
        kind=kinds.find("softmax"),
        labels=labels,
        tokenizer=SimpleNamespace(max_length=12),
        config={
            "model": {
                "parameters": 12345,
                "vocab_size": 20,
                "embed_dim": 4,
                "num_layers": 1,
                "hidden_dim": 8,
            },
            "data": {"name": "films", "train": 4800, "validation": 1200},
            "training": {"keep": "best", "seed": 7},
            "backend": "tensorflow",
            "device": "CPU, 2 cores",
            "date": "2026-01-01",
            **config,
        },
    )


def test_a_card_states_the_figures_and_how_the_model_was_made():
    text = card.render(bundle(), FIGURES, COMPARED, None)
    assert text.startswith("# bilstm-tiny on films\n")
    for line in (
        "| labels | bad, good |",
        "| parameters | 12,345 |",
        "| validation | 1,200 | 0.9100 | 0.2500 |",
        "| test | 20 | 0.9000 | 0.3000 |",
        "| most frequent label | 0.5000 | 0.5000 |",
        "| made with | tensorflow backend, CPU, 2 cores, 2026-01-01 |",
    ):
        assert line in text.splitlines()
    assert "epoch 3, the best on validation" in text
    assert "{" not in text


def test_a_warning_follows_the_baselines():
    text = card.render(bundle(), FIGURES, COMPARED, "Worse than TF-IDF.")
    assert "same training texts.\n\nWorse than TF-IDF.\n\n## Use" in text


def test_many_labels_are_cut():
    labels = tuple(f"label{number}" for number in range(12))
    text = card.render(bundle(labels), FIGURES, COMPARED, None)
    assert "label9, … (12 in all)" in text and "label10" not in text


@pytest.mark.parametrize(
    ("checked", "expected", "absent"),
    [
        (None, "not checked", "padded"),
        (
            {"texts": 5, "largest_difference": 2e-6, "padding_seen": True},
            "PyTorch model's on 5 texts; the largest difference is 2.0e-06.",
            "None of them was padded",
        ),
        (
            {"texts": 5, "largest_difference": 2e-6, "padding_seen": False},
            "None of them was padded",
            "not checked",
        ),
    ],
)
def test_the_card_of_an_import_states_its_assumptions_and_its_check(checked, expected, absent):
    record = {"from": "model.pt", "assumed": ["the head reads h_n (--pooling)"], "checked": checked}
    text = card.imported(bundle(imported=record))
    assert text.startswith("# bilstm-tiny, imported from model.pt\n")
    assert "\n- the head reads h_n (--pooling)\n" in text
    assert expected in text and absent not in text
