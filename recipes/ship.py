"""Puts a trained run into the package: `python -m recipes.ship RUN NAME COMMAND`.

It writes the folder NAME of `zoo.pretrained`: the exported file, the weights, and a card. The
card's figures come from the run, its text from `recipes/NAME.md`, and COMMAND is what made the run.

`--card NAME` writes the card of a shipped model anew, and times its answer again. `--seal NAME`
seals the file of a shipped model that has no seal yet (see `zoo.seal`).
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np

import export
from export.tflite.rounding import to_int8
from studies.clocks import median_time
from studies.intervals import of_share
from zoo import bundle as bundles
from zoo import catalogue, litert, pretrained
from zoo.bundle import Bundle
from zoo.datasets import Dataset, DatasetError
from zoo.files import replacing, write_bytes, write_text
from zoo.inference import Classifier
from zoo.records import RunError
from zoo.seal import seal
from zoo.training import transformer

WORDS = Path(__file__).parent
LARGEST_FILE, LARGEST_ALL = 2_000_000, 20_000_000  # bytes

CARD = """\
# {name}: {heading}

{description}

| | |
|---|---|
| model | `{model}`: {title}; {parameters:,} parameters |
| recurrent layers | {num_layers} bidirectional, {hidden_dim} units a direction |
| labels | {labels} |
| longest text | {max_length} token ids; the rest is cut |
| vocabulary | {vocab_size:,} token ids, case folded |
| trained on | {train:,} texts of {data}; {validation:,} held out to choose by |
| right on the test texts | {accuracy:.2%} of {texts:,}; 95 % interval {low:.2%} to {high:.2%} |
| the same, as Keras computes it | {accuracy_keras:.2%} |
| an answer | {median:.2f} ms on one thread of a server's CPU ({cpu}), {max_length} ids |
| `{file}` | {bytes:,} bytes, int8, sha256 `{file_hash}` |
| `{weights}` | {weights_bytes:,} bytes, to go on training with, sha256 `{weights_hash}` |
| made by | `{command}`, {backend} backend, {device}, {date} |

Every choice was made on validation texts; the test texts only say how it came out.

## Use

```sh
python -m zoo predict {name} "a text"
# to go on with texts of your own, of these or other labels
python train.py --model {model} --init {name} --dataset my_texts.csv
# other files for a device
python -m export {name}
```

`zoo/pretrained/{name}/{file}` goes into an app as it is: MediaPipe's text classifier reads the
vocabulary and the labels out of it.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Ships a run, or rewrites the card or the file of a shipped model."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.ship",
        usage="%(prog)s [-h] (RUN NAME COMMAND | --card NAME | --seal NAME)",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", nargs="?", metavar="RUN", help="the folder of the run to ship")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the model's name in the package")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="what made the run")
    shipped = pretrained.names()
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--card", choices=shipped, metavar="NAME", help="write a shipped model's card anew"
    )
    again.add_argument(
        "--seal", choices=shipped, metavar="NAME", help="seal the file of a shipped model"
    )
    options = parser.parse_args(arguments)
    if options.card or options.seal:
        if options.run:
            parser.error(f"--card and --seal take one name, and {options.run!r} is a second one.")
        if options.card:
            renew_card(options.card)
        else:
            seal_shipped(options.seal)
    elif options.command is None:
        parser.error("RUN, NAME and COMMAND are all needed: the card says what made the model.")
    elif not (WORDS / f"{options.name}.md").is_file():
        parser.error(f"there is no recipes/{options.name}.md. Write the text of its card there.")
    else:
        ship(options.run, options.name, options.command)


def ship(run: str, name: str, command: str) -> None:
    """Writes a model's folder, whole or not at all.

    Raises:
        SystemExit: If the run or its data set cannot be read, or if a file is too large.
    """
    try:
        bundle = bundles.load(run)
    except RunError as error:
        raise SystemExit(str(error)) from None
    try:
        dataset = bundle.dataset()
    except DatasetError as error:
        raise SystemExit(f"{run}: the card needs figures on its data set: {error}") from None
    put(bundle, dataset, name, command)


def renew_card(name: str) -> None:
    """Times the answer of a shipped model again, and writes its record and card."""
    folder, record = pretrained.FOLDER / name, pretrained.config(name)
    record["measured"] |= timed(litert.load(pretrained.file(name)))
    write_text(folder / pretrained.CONFIG, json.dumps(record, indent=2) + "\n")
    write_card(name, folder, pretrained.load(name), record)


def put(bundle: Bundle, dataset: Dataset, name: str, command: str) -> None:
    """Rounds the weights, exports, measures, and writes the folder."""
    embedding, *others = bundle.model.get_weights()
    integers, scales = to_int8(embedding, axis=1)
    packed = [integers, scales, *(weight.astype(np.float16) for weight in others)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / pretrained.WEIGHTS
        np.savez_compressed(path, *packed)
        # Export and measure the weights as they will be loaded: rounded.
        bundle.model.set_weights(pretrained.read_weights(path))
        weights = path.read_bytes()
    content = exported(bundle, dataset)
    classifier = litert.load_content(content, name)
    test, asked = dataset.test, {}
    for who, answering in (("accuracy", classifier), ("accuracy_keras", bundle.classifier())):
        asked[who] = answering.evaluate(test.texts, test.labels)["accuracy"]
    measured = {
        **{who: round(value, 6) for who, value in asked.items()},
        "interval": [round(bound, 4) for bound in of_share(asked["accuracy"], len(test.texts))],
        "texts": len(test.texts),
        **timed(classifier),
        "command": command,
        "sha256": {},
    }
    with replacing(pretrained.FOLDER / name) as folder:
        folder.mkdir()
        (folder / pretrained.FILE).write_bytes(content)
        (folder / pretrained.WEIGHTS).write_bytes(weights)
        for file in (pretrained.FILE, pretrained.WEIGHTS):
            measured["sha256"][file] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        record = portable(bundle.config) | {"measured": measured}
        write_text(folder / pretrained.CONFIG, json.dumps(record, indent=2) + "\n")
        write_card(name, folder, bundle, record)
        if len(content) > LARGEST_FILE:
            raise SystemExit(
                f"The file of {name} has {len(content):,} bytes; {LARGEST_FILE:,} is the most. "
                "Train with a smaller vocabulary or fewer units."
            )
        total = sum(path.stat().st_size for path in folder.iterdir())
        for other in set(pretrained.names()) - {name}:
            files = (pretrained.FOLDER / other).iterdir()
            total += sum(path.stat().st_size for path in files)
        if total > LARGEST_ALL:
            raise SystemExit(
                f"With {name} the shipped models take {total:,} bytes; {LARGEST_ALL:,} at most. "
                "Train with a smaller vocabulary, or remove another model."
            )
        shutil.rmtree(pretrained.FOLDER / name, ignore_errors=True)
    print(f"{name}: {len(content):,} bytes, {measured['accuracy']:.4f}; all {total:,} bytes")


def seal_shipped(name: str) -> None:
    """Adds the seal to a shipped file and writes the new hash into its record and card."""
    folder, record = pretrained.FOLDER / name, pretrained.config(name)
    content = seal(pretrained.file(name).read_bytes())
    write_bytes(pretrained.file(name), content)
    record["measured"]["sha256"][pretrained.FILE] = hashlib.sha256(content).hexdigest()
    write_text(folder / pretrained.CONFIG, json.dumps(record, indent=2) + "\n")
    write_card(name, folder, pretrained.load(name), record)


def exported(bundle: Bundle, dataset: Dataset) -> bytes:
    """The bytes of the file for MediaPipe."""
    with tempfile.TemporaryDirectory() as folder:
        (file,) = export.export_model(
            bundle, folder, lowering="fused", precision="int8", texts=dataset.valid.texts
        )
        return (Path(folder) / file.path).read_bytes()


def portable(value: Any) -> Any:
    """A run's record without paths of this machine: a run becomes RECIPE/RUN, a file its name."""
    if isinstance(value, dict):
        places = ("data_dir", "download_dir")
        return {key: portable(one) for key, one in value.items() if key not in places}
    if isinstance(value, (list, tuple)):
        return [portable(one) for one in value]
    if not isinstance(value, str):
        return value
    kind = transformer.PREFIX if value.startswith(transformer.PREFIX) else ""
    place = value.removeprefix(kind)
    if not place or not Path(place).exists():
        return value
    parts = Path(place).resolve().parts
    return kind + "/".join(parts[-2:] if (Path(place) / "model.keras").is_file() else parts[-1:])


def timed(classifier: Classifier) -> dict[str, Any]:
    """The median time of an answer in milliseconds, and the processor."""
    return {"median_ms": round(median_time(classifier), 3), "cpu": cpu()}


def cpu() -> str:
    """The processor's name."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def write_card(name: str, folder: Path, bundle: Bundle, record: dict[str, Any]) -> None:
    """Writes the model card, in Markdown, beside the file and the weights in a folder."""
    words = (WORDS / f"{name}.md").read_text(encoding="utf-8").strip()
    model, data, measured = record["model"], record["data"], record["measured"]
    low, high = measured["interval"]
    labels = ", ".join(bundle.labels[:12])
    if len(bundle.labels) > 12:
        labels += f", … ({len(bundle.labels)} in all)"
    title, _, description = words.partition("\n")
    text = CARD.format(
        heading=title,
        description=description.strip(),
        name=name,
        title=catalogue.find(model["name"])[0].title,
        labels=labels,
        max_length=bundle.tokenizer.max_length,
        train=data["train"],
        validation=data["validation"],
        data=data["name"],
        low=low,
        high=high,
        file=pretrained.FILE,
        weights=pretrained.WEIGHTS,
        bytes=(folder / pretrained.FILE).stat().st_size,
        weights_bytes=(folder / pretrained.WEIGHTS).stat().st_size,
        file_hash=measured["sha256"][pretrained.FILE],
        weights_hash=measured["sha256"][pretrained.WEIGHTS],
        **{key: record[key] for key in ("backend", "device", "date")},
        **{key: model[key] for key in ("num_layers", "hidden_dim", "parameters", "vocab_size")},
        model=model["name"],
        **{key: measured[key] for key in ("accuracy", "accuracy_keras", "texts", "cpu", "command")},
        median=measured["median_ms"],
    )
    write_text(folder / pretrained.CARD, text)


if __name__ == "__main__":
    main()
