"""Times functions in turns, so that other load on the machine slows all of them alike."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

LEAST = 0.005  # seconds of a turn; a faster function is called several times in one turn


def take_turns(functions: Sequence[Callable[..., Any]], rounds: int, *arguments) -> np.ndarray:
    """Times functions that are called with the same arguments.

    In each round every function has a turn, and the order rotates from round to round. A turn
    begins with a call that is not timed, which fills the caches.

    Returns:
        Seconds of a call, [functions, rounds].
    """
    calls = []
    for function in functions:
        function(*arguments)
        started = time.perf_counter()
        function(*arguments)
        calls.append(max(1, int(LEAST / (time.perf_counter() - started))))
    seconds = np.empty((len(functions), rounds))
    for number in range(rounds):
        for place in range(len(functions)):
            place = (place + number) % len(functions)
            functions[place](*arguments)
            started = time.perf_counter()
            for _ in range(calls[place]):
                functions[place](*arguments)
            seconds[place, number] = (time.perf_counter() - started) / calls[place]
    return seconds


def median_time(classifier, rounds: int = 200) -> float:
    """Median milliseconds of a prediction for a text of full length, without the tokenizer."""
    ids = np.full((1, classifier.tokenizer.max_length), 3, np.int32)
    return 1e3 * float(np.median(take_turns([classifier.forward], rounds, ids)))
