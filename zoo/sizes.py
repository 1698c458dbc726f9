"""Checks of a classifier's sizes, without Keras."""

POOLINGS = ("last", "mean")


def check(**sizes: object) -> None:
    """Checks arguments of `zoo.classifier.build_classifier`, by name.

    Raises:
        ValueError: If a size, the dropout or the pooling is invalid.
    """
    for key, value in sizes.items():
        if key == "pooling":
            if value not in POOLINGS:
                raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, not {value!r}.")
        elif key == "dropout":
            if not (isinstance(value, (int, float)) and 0 <= value < 1):
                raise ValueError(f"dropout must be at least 0 and below 1, not {value!r}.")
        else:
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{key} must be an integer of at least 1, not {value!r}.")
