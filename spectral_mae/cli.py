"""The ``spectral-mae`` command: who gets its arguments, and how it ends.

The arguments are in `spectral_mae.image_arguments` and `spectral_mae.model_arguments`, which load
nothing heavy. What the commands do is in `spectral_mae.commands`, imported when one runs, so that
``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from spectral_mae import image_arguments, model_arguments
from spectral_mae._version import __version__

USAGE, INTERRUPTED = 2, 130
PARSERS = (
    image_arguments.add_analyze,
    image_arguments.add_psd,
    image_arguments.add_mask,
    image_arguments.add_verify,
    model_arguments.add_fit,
    model_arguments.add_reconstruct,
    model_arguments.add_sweep,
    image_arguments.add_figures,
    model_arguments.add_train,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; ``argv`` without the program's name. Returns the exit code."""
    arguments = _parsed(argv)
    try:
        from spectral_mae import command_line, commands

        try:
            return commands.COMMANDS[arguments.command](arguments)
        except command_line.UsageError as error:
            print(f"spectral-mae {arguments.command}: {error}", file=sys.stderr)
            return USAGE
    except KeyboardInterrupt as error:
        number = getattr(error, "signum", None)  # of a run that can be resumed
        more = "" if number is None else "; --resume goes on"
        print(f"spectral-mae: interrupted{more}", file=sys.stderr)
        return INTERRUPTED if number is None else 128 + int(number)


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser, commands = _parsers()
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        # parse_args would show the usage of the program, not that of the command
        commands[arguments.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    return arguments


def _parsers() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The program's parser, and those of its commands."""
    parser = argparse.ArgumentParser(
        prog="spectral-mae",
        description="What masking patches of an image does to its spectrum.",
    )
    parser.add_argument("--version", action="version", version=f"spectral-mae {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for add in PARSERS:
        add(commands.add_parser)
    return parser, commands.choices
