"""Times exported files beside other runtimes: `python -m export.benchmark`.

The measuring is the study `speed` of `python -m studies`. All else in this package does without
`studies`, which imports it.
"""

from zoo import terminal

PROG = "python -m export.benchmark"


def main(arguments: list[str] | None = None) -> int:
    """Hands the command line over to the study, and returns the exit status."""
    from studies import command

    return command.run("speed", arguments, PROG)


if __name__ == "__main__":
    terminal.run(main, PROG)
