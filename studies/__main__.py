"""`python -m studies` lists the studies; `python -m studies STUDY …` runs one."""

from studies import command
from zoo import terminal

if __name__ == "__main__":
    terminal.run(command.main, command.PROG)
