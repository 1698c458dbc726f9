"""Times exported files beside their peers: `python -m export.benchmark`.

The measuring itself is the study `speed` in `studies`, which imports this package: so nothing
else here may import it.
"""

from zoo import terminal

PROG = "python -m export.benchmark"


def main(arguments: list[str] | None = None) -> int:
    """Hands the command line over and returns the exit status."""
    from studies.speed import benchmark

    return benchmark.main(arguments)


if __name__ == "__main__":
    terminal.run(main, PROG)
