"""The exported files beside what else runs such a model: `python -m export.benchmark`.

The same weights in every runtime, the answers held against Keras's before anything is timed, and
all of them timed in turns, in one process: what counts is the ratio of two medians of one run.
"""
