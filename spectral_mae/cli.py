"""The ``spectral-mae`` command: who gets its arguments, and how it ends.

The arguments are in `spectral_mae.image_arguments` and `spectral_mae.model_arguments`, their parser
in `spectral_mae.parser`; none loads anything heavy. What the commands do is in
`spectral_mae.commands`, imported when one runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from spectral_mae import image_arguments, model_arguments
from spectral_mae._version import __version__
from spectral_mae.parser import Parser, parse

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
    """Run the command; ``argv`` without the program's name. Returns the exit code.

    Without any argument the help is printed, and the exit code is that of wrong usage.
    """
    parser = Parser(
        prog="spectral-mae",
        description="What masking patches of an image does to its spectrum.",
    )
    parser.add_argument("--version", action="version", version=f"spectral-mae {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")
    for add in PARSERS:
        add(commands.add_parser)
    given = sys.argv[1:] if argv is None else list(argv)
    if not given:
        parser.print_help()
        return USAGE
    return _run(parse(parser, commands.choices, given))


def _run(arguments: argparse.Namespace) -> int:
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
