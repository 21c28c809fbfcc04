"""The command as its user runs it, in this process."""

import csv

from spectral_mae import cli


def run(*arguments):
    return cli.main([str(a) for a in arguments])


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def usage_error(capsys, *arguments):
    """The one line that a run with impossible arguments prints."""
    capsys.readouterr()
    assert run(*arguments) == cli.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    line = printed.err.splitlines()[-1]
    assert line.startswith(f"spectral-mae {arguments[0]}: ")
    assert not line.endswith(": ")
    return line
