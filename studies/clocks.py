"""Times functions in turns, so that what slows the machine down slows them all."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

LEAST = 0.005  # seconds of a turn: shorter ones are repeated within it


def take_turns(functions: Sequence[Callable[..., Any]], rounds: int, *arguments) -> np.ndarray:
    """Seconds of a call, [functions, rounds].

    In each round every function has a turn, another one first each time; a turn begins with a call
    that is not counted, after which the caches hold what is its own.
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
    """Milliseconds in which a classifier answers a text of full length, its tokens given."""
    ids = np.full((1, classifier.tokenizer.max_length), 3, np.int32)
    return 1e3 * float(np.median(take_turns([classifier.forward], rounds, ids)))
