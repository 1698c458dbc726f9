"""manifest.json, the table of a folder's exported files."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from export.verification import Verified
from zoo.files import write_text

NAME = "manifest.json"


@dataclass(frozen=True)
class ExportedFile:
    """A row of the manifest.

    Attributes:
        path: The file's name in its folder.
        bytes: Its size.
        sha256: Its hash.
        lowering, precision: Its form.
        subgraphs: Number of subgraphs.
        operators: The count of each operator.
        packed_bytes: Memory of the packed matrices in XNNPACK, which packs them once per product:
            many times in an unrolled file.
        scores: The kind of scores, of `zoo.scores.KINDS`.
        padding: Where zeros may occur in its input: `right` or `any`.
        seconds: Time of the export without verification.
        verified: The result of the verification.
    """

    path: str
    bytes: int
    sha256: str
    lowering: str
    precision: str
    subgraphs: int
    operators: dict[str, int]
    packed_bytes: int
    scores: str
    padding: str
    seconds: float
    verified: Verified

    @property
    def is_bare(self) -> bool:
        """Whether it holds no tokenizer and labels."""
        return self.path.endswith("-bare.tflite")


def write(folder: Path, written: Iterable[ExportedFile]) -> None:
    """Adds rows to the folder's manifest.json, replacing older ones of the same path."""
    path = folder / NAME
    rows = {}
    if path.is_file():
        try:
            files = json.loads(path.read_text(encoding="utf-8"))["files"]
            rows = {row["path"]: row for row in files}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is not a manifest of exported files ({error!r}). Remove it, or give "
                "another folder."
            ) from None
        rows = {name: row for name, row in rows.items() if (folder / name).is_file()}
    rows.update((row.path, asdict(row)) for row in written)
    write_text(path, json.dumps({"files": [rows[name] for name in sorted(rows)]}, indent=2) + "\n")
