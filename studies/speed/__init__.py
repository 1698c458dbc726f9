"""The study `speed`: the exported files beside other runtimes, with the same weights.

The scores of every file are compared with those of Keras before anything is timed. All files are
timed in turns in one process. The figures to compare are ratios of two medians of one run.
"""
