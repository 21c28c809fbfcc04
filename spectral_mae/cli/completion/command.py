"""``spectral-mae completion bash``, ``zsh`` or ``fish``."""

from __future__ import annotations

import argparse

from spectral_mae.cli.completion import bash, fish, words, zsh
from spectral_mae.cli.console.answer import OK, Answer
from spectral_mae.cli.main import parsers

SCRIPTS = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script}


def completion(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae completion``: the script of a shell."""
    commands = words.commands_of(*parsers())
    return Answer(OK, [SCRIPTS[arguments.shell](commands, words.builtin_names()).rstrip("\n")])
