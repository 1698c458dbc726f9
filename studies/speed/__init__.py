"""The study `speed`: the exported files beside other runtimes, with the same weights.

The answers of every file are compared with those of Keras before anything is timed. All files are
timed in turns in one process: what counts is the ratio of two medians of one run.
"""
