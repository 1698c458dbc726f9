"""Studies: the measurements behind the tables and pictures in `results/`.

`python -m studies` lists them. They use `zoo` and `export`, which do not import them: only the
command lines that hand over to a study do, `zoo/__main__.py` and `export/benchmark.py`.
"""
