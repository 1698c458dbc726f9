"""The seal of a .tflite file: a SHA-256 that detects damage.

The seal is the comment of the zip archive at the file's end, `birnn-zoo sha256 ` and 64 hex digits.
The digest covers every byte before the digits. Other readers ignore it. It does not prove who wrote
the file.
"""

import hashlib
import struct

PREFIX = b"birnn-zoo sha256 "
DIGITS = 64
END = b"PK\5\6"  # begins the record that ends a zip archive
END_SIZE = 22  # bytes of that record without its comment, whose length is the last two
LONGEST_COMMENT = 0xFFFF


def seal(content: bytes) -> bytes:
    """Seals the content of a file. A file without a zip archive at its end gets an empty one.

    Raises:
        ValueError: If the archive has a comment already, or the file's seal does not match.
    """
    if is_sealed(content):
        return content
    comment = archive_comment(content)
    if comment:
        raise ValueError(f"the zip archive has a comment already, {comment[:40]!r}; remove it")
    if comment is None:
        content += END + bytes(END_SIZE - len(END))
    length = struct.pack("<H", len(PREFIX) + DIGITS)
    content = content[:-2] + length + PREFIX
    return content + hashlib.sha256(content).hexdigest().encode()


def is_sealed(content: bytes) -> bool:
    """Whether the file has a seal.

    Raises:
        ValueError: If the seal does not match the file.
    """
    place = content.rfind(PREFIX, max(len(content) - END_SIZE - LONGEST_COMMENT, 0))
    if place < 0:
        return False
    start = place + len(PREFIX)
    if content[start:] != hashlib.sha256(content[:start]).hexdigest().encode():
        raise ValueError(
            "damaged: its bytes are not those that its SHA-256 seal was made for; "
            "copy the file again, or export it anew"
        )
    return True


def archive_comment(content: bytes) -> bytes | None:
    """The comment of the zip archive that the file ends with; None if it ends with none."""
    place = content.rfind(END, max(len(content) - END_SIZE - LONGEST_COMMENT, 0))
    if place < 0 or len(content) < place + END_SIZE:
        return None
    start = place + END_SIZE
    (length,) = struct.unpack("<H", content[start - 2 : start])
    return content[start:] if len(content) == start + length else None
