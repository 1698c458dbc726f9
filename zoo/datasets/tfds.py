"""Reads the embedded reviews, or any text classification set, with TensorFlow Datasets."""

import contextlib
import difflib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo import terminal
from zoo.datasets.split import DatasetError, Parts, Rows

try:
    import tensorflow_datasets as tfds
except ImportError as error:
    raise DatasetError(
        f"tensorflow-datasets cannot be imported ({error}). Install it: "
        "pip install tensorflow-datasets importlib_resources"
    ) from error

SPLITS = {"train": ("train",), "valid": ("validation", "valid", "dev", "val"), "test": ("test",)}
UNLABELLED = -1
BATCH = 1024  # rows per conversion to Python
RETRIES = 5


def read_reviews(data_dir: str | os.PathLike | None) -> Parts:
    """Generates the embedded reviews into `data_dir`, or the user's cache folder, and reads them.

    Raises:
        DatasetError: If the folder is not writable.
    """
    from zoo.datasets.reviews import Reviews

    folder = Path(data_dir).expanduser() if data_dir else _cache()
    builder = _prepare("reviews", lambda: Reviews(data_dir=folder), folder / "downloads")
    return _read(builder, "reviews", text_column="text", label_column="label")


def read_tfds(
    name: str,
    *,
    data_dir: str | os.PathLike | None,
    download_dir: str | os.PathLike | None,
    text_column: str,
    label_column: str,
) -> Parts:
    """Prepares the set `NAME[/CONFIG]`, with a download if necessary, and reads it.

    Raises:
        DatasetError: If there is no such set, it cannot be prepared, it has no train split, or the
            features of the text and the label are not clear.
    """
    builder = _builder(
        name,
        data_dir=data_dir,
        download_dir=download_dir,
        text_column=text_column,
        label_column=label_column,
    )
    return _read(builder, name, text_column=text_column, label_column=label_column)


def _builder(name: str, *, data_dir, download_dir, text_column: str, label_column: str) -> Any:
    """The builder of a prepared set."""
    # Not pathlib, which would turn gs://bucket into gs:/bucket.
    folder = os.path.expanduser(data_dir) if data_dir else None  # noqa: PTH111

    def make() -> Any:
        try:
            return tfds.builder(name, data_dir=folder)
        except Exception as error:  # sets may raise anything, even AssertionError
            raise DatasetError(_unknown(name, error)) from error

    # Check the features before the download, so that an unsuitable set fails at once.
    _features(make().info, f"tfds:{name}", text_column, label_column)
    return _prepare(f"tfds:{name}", make, download_dir)


def read_texts(
    name: str,
    split: str,
    *,
    data_dir: str | os.PathLike | None,
    download_dir: str | os.PathLike | None,
    text_column: str,
    label_column: str,
) -> list[str]:
    """Reads the texts of a split of the set `NAME[/CONFIG]`, without their labels.

    Raises:
        DatasetError: As for `read_tfds`, or if there is no such split.
    """
    builder = _builder(
        name,
        data_dir=data_dir,
        download_dir=download_dir,
        text_column=text_column,
        label_column=label_column,
    )
    if split not in builder.info.splits:
        raise DatasetError(
            f"tfds:{name}: no split {split!r}; it has {_list(builder.info.splits)}. The form is "
            "tfds:NAME#SPLIT."
        )
    text, label = _features(builder.info, f"tfds:{name}", text_column, label_column)
    return _load(builder, split, text, label)[0]


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "birnn_zoo"


def _unknown(name: str, error: Exception) -> str:
    base, _, config = name.partition("/")
    if isinstance(error, tfds.core.DatasetNotFoundError):
        known = sorted(set(tfds.list_builders(with_community_datasets=False)))
        near = difflib.get_close_matches(base, known)
        hint = f" Did you mean {' or '.join(f'tfds:{n}' for n in near)}?" if near else ""
        return (
            f"tfds:{name}: TensorFlow Datasets {tfds.__version__} has no set of this name, and "
            f"none is prepared in data_dir.{hint} tfds.list_builders() lists all sets."
        )
    with contextlib.suppress(Exception):
        configs = list(tfds.builder_cls(base).builder_configs)
        if config and configs and config not in configs:
            return f"tfds:{name}: {base} has no configuration {config!r}; it has {_list(configs)}."
    return f"tfds:{name}: {_reason(error)} The form is tfds:NAME, tfds:NAME/CONFIG or NAME:VERSION."


def _prepare(source: str, make: Callable[[], Any], download_dir: str | os.PathLike | None) -> Any:
    """Prepares a set on disk and returns its builder."""
    builder = make()
    output = sys.stderr  # standard output is for the command's JSON
    if terminal.is_quiet():
        output = io.StringIO()
        tfds.disable_progress_bar()
    with (
        terminal.progress(f"Preparing {source}"),
        contextlib.redirect_stdout(output),
        _few_retries(),
    ):
        try:
            builder.download_and_prepare(download_dir=download_dir)
        except Exception as error:
            # TFDS moves the finished folder into place, which fails if another process was faster.
            builder = make()
            if not builder.data_path.exists():
                raise DatasetError(
                    f"{source}: could not be prepared in {builder.data_dir}: {_reason(error)} "
                    "Preparing a set requires a writable folder (data_dir) and, except for the "
                    "embedded reviews, a network or the set's archive in download_dir. For a "
                    "set that is already prepared, give its data_dir."
                ) from error
    return builder


@contextlib.contextmanager
def _few_retries() -> Iterator[None]:
    """Lets downloads fail after seconds: TFDS's ten retries, with doubling delays, take minutes.

    TFDS has no option for this, and the attribute is private, so it may be missing.
    """
    try:
        from tensorflow_datasets.core.download import downloader

        before = downloader.MAX_RETRIES
    except (ImportError, AttributeError):
        yield
        return
    downloader.MAX_RETRIES = RETRIES
    try:
        yield
    finally:
        downloader.MAX_RETRIES = before


def _read(builder: Any, name: str, *, text_column: str, label_column: str) -> Parts:
    source = name if name == "reviews" else f"tfds:{name}"
    text, label = _features(builder.info, source, text_column, label_column)
    available = list(builder.info.splits)
    splits = {
        part: next((split for split in names if split in available), None)
        for part, names in SPLITS.items()
    }
    if splits["train"] is None:
        raise DatasetError(
            f"{source}: no split 'train'; it has {_list(available)}. Write the training rows to a "
            "file, and give its path."
        )
    feature = builder.info.features[label]
    rows, dropped = {}, {}
    for part, split in splits.items():
        if split is None:
            continue
        texts, values = _load(builder, split, text, label)
        kept = [i for i, value in enumerate(values) if value not in (UNLABELLED, "")]
        dropped[split] = len(values) - len(kept)
        if kept:
            rows[part] = (split, [texts[i] for i in kept], [values[i] for i in kept])
    if "train" not in rows:
        raise DatasetError(
            f"{source}: no row of train has a label in {label!r}. Choose another feature with "
            "label_column."
        )
    names = _names(feature, rows["train"][2])
    spelled = {
        part: Rows(texts, [_spell(feature, value) for value in values], _place(source, split))
        for part, (split, texts, values) in rows.items()
    }
    described = {
        "kind": "tfds",
        "path": source,
        "version": str(builder.info.version),
        "config": getattr(builder.builder_config, "name", None),
        "splits": {part: split for part, (split, _, _) in rows.items()},
        "features": {"text": text, "label": label},
        "unlabelled_rows_dropped": dropped,
    }
    return Parts(name, spelled, names, described)


def _features(info: Any, source: str, text_column: str, label_column: str) -> tuple[str, str]:
    """The names of the text feature and the label feature."""
    text_key, label_key = (info.supervised_keys or (None, None))[:2]
    strings = [name for name, f in info.features.items() if f.shape == () and _is_string(f)]
    texts = [n for n in strings if isinstance(info.features[n], tfds.features.Text)] or strings
    text = _choose(info, source, "text", text_column, strings, text_key, texts)
    labels = [
        name
        for name, feature in info.features.items()
        if feature.shape == () and name != text and (_is_string(feature) or _is_whole(feature))
    ]
    # An integer may be an id or a count, so only a ClassLabel is used by default.
    likely = [n for n in labels if isinstance(info.features[n], tfds.features.ClassLabel)]
    return text, _choose(info, source, "label", label_column, labels, label_key, likely)


def _choose(
    info: Any,
    source: str,
    role: str,
    requested: str,
    fitting: list[str],
    declared: Any,
    likely: list[str],
) -> str:
    """Returns the requested feature, the one that the set declares, or the only likely one."""
    if requested in fitting:
        return requested
    if requested == role:  # the default: the user has not chosen
        if declared in fitting:
            return declared
        if len(likely) == 1:
            return likely[0]
        problem = f"cannot tell which feature is the {role}"
    else:
        problem = f"no feature {requested!r} that can be the {role}"
    needs = "a string" if role == "text" else "a class label, an integer, a boolean or a string"
    features = "; ".join(f"{name}: {feature!r}" for name, feature in info.features.items())
    raise DatasetError(
        f"{source}: {problem}, which must be {needs}. Choose with {role}_column "
        f"{'from ' + _list(fitting) if fitting else '(none fits)'}. The features are: {features}."
    )


def _is_string(feature: Any) -> bool:
    return feature.np_dtype in (np.str_, np.object_, np.bytes_, str, bytes)


def _is_whole(feature: Any) -> bool:
    return not _is_string(feature) and np.dtype(feature.np_dtype).kind in "iub"


def _load(builder: Any, split: str, text: str, label: str) -> tuple[list[str], list[Any]]:
    """The texts and raw label values of a split, in the order on disk."""
    rows = builder.as_dataset(split=split).map(lambda row: (row[text], row[label]))
    texts: list[str] = []
    values: list[Any] = []
    count = builder.info.splits[split].num_examples
    with terminal.progress(f"Reading {builder.name}, {split}", count):
        for some_texts, some_values in tfds.as_numpy(rows.batch(BATCH)):
            texts += _strings(some_texts)
            values += _strings(some_values) if some_values.dtype == object else some_values.tolist()
            terminal.advance(len(some_texts))
    return texts, values


def _strings(column: Iterable[bytes]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in column]


def _names(feature: Any, train: list[Any]) -> tuple[str, ...] | None:
    """Label names by id; None for the sorted strings of train."""
    if isinstance(feature, tfds.features.ClassLabel) and feature.num_classes:
        return tuple(feature.names)
    if _is_string(feature):
        return None
    return tuple(_spell(feature, value) for value in sorted(set(train)))


def _spell(feature: Any, value: Any) -> str:
    if isinstance(feature, tfds.features.ClassLabel) and feature.num_classes:
        return feature.int2str(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(source: str, split: str) -> Callable[[int], str]:
    return lambda i: f"{source}, a row of {split}"


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no reason given"]
    return f"{type(error).__name__}: {lines[0][:300].rstrip('.')}."


def _list(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
