"""Times exported files beside other runtimes: `python -m export.benchmark`.

This is the study `speed` of `python -m studies`. Nothing else in this package uses `studies`, which
imports it.
"""

from zoo import terminal

PROG = "python -m export.benchmark"


def main(arguments: list[str] | None = None) -> int:
    """Runs the study and returns the exit status."""
    from studies import command

    return command.run("speed", arguments, PROG)


if __name__ == "__main__":
    terminal.run(main, PROG)
