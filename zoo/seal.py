"""The seal of a .tflite file: a SHA-256 that detects changes to the file.

The seal is the comment of the zip archive at the file's end, `birnn-zoo sha256 ` and 64 hex digits.
The digest covers every byte before the digits. Other readers ignore it. It detects damage; it does
not authenticate the file.
"""

import hashlib
import struct

PREFIX = b"birnn-zoo sha256 "
DIGITS = 64
END = b"PK\5\6"  # signature of the record at the end of a zip archive
END_SIZE = 22  # bytes of that record without the comment; its last two are the comment's length
LONGEST_COMMENT = 0xFFFF


def seal(content: bytes) -> bytes:
    """Adds a seal to a file; a file without a zip archive at its end gets an empty one.

    Raises:
        ValueError: If the archive already has a comment, or the file's seal does not match.
    """
    if is_sealed(content):
        return content
    comment = archive_comment(content)
    if comment:
        raise ValueError(f"the zip archive already has a comment, {comment[:40]!r}; remove it")
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
            "damaged: its content does not match its SHA-256 seal; "
            "copy the file again, or export it again"
        )
    return True


def archive_comment(content: bytes) -> bytes | None:
    """The comment of the zip archive at the file's end; None if there is no archive."""
    place = content.rfind(END, max(len(content) - END_SIZE - LONGEST_COMMENT, 0))
    if place < 0 or len(content) < place + END_SIZE:
        return None
    start = place + END_SIZE
    (length,) = struct.unpack("<H", content[start - 2 : start])
    return content[start:] if len(content) == start + length else None
