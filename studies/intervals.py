"""95 % confidence intervals."""

import math
from collections.abc import Sequence

import numpy as np

Z = 1.96  # of the normal distribution
# Student's t, by the number of values.
T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}


def of_share(share: float, count: int) -> tuple[float, float]:
    """The interval of a share of `count` texts (Wilson 1927): its lower and its upper end."""
    middle = share + Z * Z / (2 * count)
    spread = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return (middle - spread) / (1 + Z * Z / count), (middle + spread) / (1 + Z * Z / count)


def half_of_mean(values: Sequence[float]) -> float:
    """Half of the interval of the mean of 2 to 10 values; nan for a single one."""
    count = len(values)
    if count == 1:
        return math.nan
    return float(T[count] * np.std(values, ddof=1) / np.sqrt(count))
