"""The model card of a run."""

import textwrap
from collections.abc import Sequence

from zoo import catalogue

KEPT = {
    "best": "the best on validation",
    "latest": "the last one within a standard error of the best on validation",
}
TEMPLATE = """\
# {name} on {data}

A bidirectional recurrent text classifier of BiRNN Zoo: {title} ({source}).

| | |
|---|---|
| {listing} | {labels} |
| parameters | {parameters:,} |
| embedding | {vocab_size:,} token ids × {embed_dim} |
| recurrent layers | {num_layers} bidirectional, {hidden_dim} units per direction |
| longest text | {max_length} token ids; the rest is cut |
| trained on | {train:,} texts; {validation:,} held out to choose the epoch |
| seed | {seed} |
| made with | {backend} backend, {device}, {date} |

## Figures

| split | texts | {titles} |
|---|---|{rules}|
{figures}

The weights are those of epoch {best_epoch}, {how}. The test texts were read once,
after that choice. The vocabulary comes only from the training texts.

| {headline} | validation | test |
|---|---|---|
{compared}

The baselines were fitted to the same training texts.{warning}

## Use

```sh
python -m zoo predict FOLDER "a text"     # from this folder
python -m export FOLDER                   # files for a device
```

## Limits

{limits}
"""
WORDS = "The model knows only the words of its training texts; all others are one unknown word."
WIDTH = 98


def render(
    bundle,
    figures: dict,
    compared: Sequence[tuple[str, float, float]],
    warning: str | None,
) -> str:
    """The card of a trained model, in Markdown.

    Args:
        bundle: The trained model, a `zoo.bundle.Bundle`.
        figures: The content of metrics.json.
        compared: Rows (name, validation accuracy, test accuracy) of the baselines and the model.
        warning: A warning that the model is worse than a baseline, or None.
    """
    config, kind = bundle.config, bundle.kind
    family, _ = catalogue.find(bundle.name)
    rows = []
    for split in ("validation", "test"):
        row = figures[split]
        cells = [split, f"{row['examples']:,}", *(f"{row[one]:.4f}" for one in kind.titles)]
        rows.append(f"| {' | '.join(cells)} |")
    labels = ", ".join(kind.listed(bundle.labels)[:10])
    if len(bundle.labels) > 10:
        labels += f", … ({len(bundle.labels)} in all)"
    model = config["model"]
    return TEMPLATE.format(
        name=bundle.name,
        data=config["data"]["name"],
        title=family.title,
        source=family.source,
        listing=kind.listing,
        labels=labels,
        titles=" | ".join(kind.titles.values()),
        rules="|".join("---" for _ in kind.titles),
        headline=kind.titles[kind.headline],
        limits=textwrap.fill(f"{WORDS} {kind.limits}", WIDTH),
        figures="\n".join(rows),
        best_epoch=figures["best_epoch"],
        how=KEPT[config["training"]["keep"]],
        compared="\n".join(
            f"| {title} | {validation:.4f} | {test:.4f} |" for title, validation, test in compared
        ),
        warning=f"\n\n{warning}" if warning else "",
        max_length=bundle.tokenizer.max_length,
        train=config["data"]["train"],
        validation=config["data"]["validation"],
        seed=config["training"]["seed"],
        **{k: config[k] for k in ("backend", "device", "date")},
        **{
            k: model[k]
            for k in ("parameters", "vocab_size", "embed_dim", "num_layers", "hidden_dim")
        },
    )


IMPORTED = """\
# {name}, imported from {file}

A recurrent text classifier with the weights of a PyTorch model.

| | |
|---|---|
| labels | {labels} |
| parameters | {parameters:,} |
| longest text | {max_length} token ids; the rest is cut |

## Assumed

The files do not contain how the PyTorch model reads its recurrent layer. The following was assumed.
To change it, import again with the option in brackets; to verify it, add `--check`:

{assumed}

{checked}

## Use

```sh
python -m zoo predict FOLDER "a text"     # from this folder
python -m export FOLDER                   # files for a device
```
"""


NO_PADDING = " None of them was padded, so the treatment of padding is not verified."


def imported(bundle) -> str:
    """The card of an imported model, in Markdown."""
    record = bundle.config["imported"]
    checked = record["checked"]
    return IMPORTED.format(
        name=bundle.name,
        file=record["from"],
        labels=", ".join(bundle.labels),
        parameters=bundle.config["model"]["parameters"],
        max_length=bundle.tokenizer.max_length,
        assumed="\n".join(f"- {line}" for line in record["assumed"]),
        checked=f"Its outputs agree with the PyTorch model's on {checked['texts']} texts; the "
        f"largest difference is {checked['largest_difference']:.1e}."
        + (NO_PADDING if not checked["padding_seen"] else "")
        if checked
        else "It was not checked against outputs of the PyTorch model.",
    )
