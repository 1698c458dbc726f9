"""Messages of other packages' errors, shortened for our own."""

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HEADING = "Exception encountered when calling"  # Keras puts it above the message


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 300 characters, without a full stop.

    The name of its class if the message is empty.
    """
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines()]
    lines = [line for line in lines if line and not line.startswith(_HEADING)]
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(".")
