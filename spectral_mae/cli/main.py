"""The ``spectral-mae`` command: its parsers, and how it ends.

The arguments are in `spectral_mae.cli.arguments`, their parser in `spectral_mae.cli.parser`;
neither loads anything heavy. What a command does is in the module of its name, imported when it
runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from spectral_mae._version import __version__
from spectral_mae.cli.arguments import images, models, networks
from spectral_mae.cli.arguments.endings import EXAMPLES, exits
from spectral_mae.cli.console import messages
from spectral_mae.cli.console.answer import USAGE, Answer, exit_code
from spectral_mae.cli.parser import Parser, parse

PARSERS = (
    images.add_analyze,
    images.add_compare,
    images.add_explore,
    images.add_psd,
    images.add_mask,
    images.add_verify,
    images.add_audit_masks,
    models.add_fit,
    models.add_reconstruct,
    models.add_sweep,
    models.add_plan,
    images.add_figures,
    networks.add_train,
    networks.add_audit,
    images.add_completion,
)
# Where each command is: a module beside this one, and its function.
COMMANDS = {
    "analyze": ("analyze_early", "analyze"),
    "compare": ("compare", "compare"),
    "explore": ("explore", "explore"),
    "psd": ("psd.command", "power_spectrum"),
    "mask": ("mask", "mask"),
    "verify": ("verify", "check"),
    "audit-masks": ("audit_masks", "audit"),
    "fit": ("models.fit", "fit"),
    "reconstruct": ("models.reconstruct", "reconstruct"),
    "sweep": ("models.sweep", "sweep"),
    "plan": ("models.plan", "plan"),
    "figures": ("figures", "figures"),
    "train-mae": ("networks.train", "train_mae"),
    "audit": ("networks.audit", "audit"),
    "completion": ("completion.command", "completion"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; ``argv`` without the program's name. Returns the exit code.

    Without any argument the help is printed, and the exit code is that of wrong usage.
    """
    parser, commands = parsers()
    given = sys.argv[1:] if argv is None else list(argv)
    if not given:
        parser.print_help()
        return USAGE
    arguments = parse(parser, commands, given)
    arguments.typed = shlex.join(["spectral-mae", *given])
    return _run(arguments)


def parsers() -> tuple[Parser, Mapping[str, Parser]]:
    """The parser of the command, and those of its commands by name."""
    parser = Parser(
        prog="spectral-mae",
        description="What masking patches of an image does to its spectrum.",
        examples=EXAMPLES[""],
        exits=exits(""),
    )
    parser.add_argument("--version", action="version", version=f"spectral-mae {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND")

    def add(name: str, **options: Any) -> argparse.ArgumentParser:
        return commands.add_parser(name, examples=EXAMPLES[name], exits=exits(name), **options)

    for add_one in PARSERS:
        add_one(add)
    return parser, commands.choices


@contextmanager
def _short_notices() -> Iterator[None]:
    """Print the package's own warnings in one line, without the place in the code."""
    usual = warnings.formatwarning

    def in_one_line(
        message: Warning | str, category: type[Warning], *where: Any, **line: Any
    ) -> str:
        if category.__module__.startswith("spectral_mae."):
            return f"{messages.painted('note:', messages.YELLOW, sys.stderr)} {message}\n"
        return usual(message, category, *where, **line)

    warnings.formatwarning = in_one_line
    try:
        yield
    finally:
        warnings.formatwarning = usual


@_short_notices()
def _run(arguments: argparse.Namespace) -> int:
    try:
        from spectral_mae.cli.errors import UsageError

        try:
            with _told(arguments):
                answer = _command(arguments.command)(arguments)
            answer.print(arguments)
        except UsageError as error:
            messages.error(arguments.command, error)
            return USAGE
        else:
            return answer.code
    except KeyboardInterrupt as error:
        messages.interrupted(error)
        return exit_code(error)


@contextmanager
def _told(arguments: argparse.Namespace) -> Iterator[None]:
    """``--verbose``: what is logged while a command works, on standard error."""
    if not arguments.verbose:
        yield
        return
    from spectral_mae.cli.console.verbose import told

    with told(arguments):
        yield


def _command(name: str) -> Callable[[argparse.Namespace], Answer]:
    """What a command does; its module is imported now, not with the parsers."""
    module, function = COMMANDS[name]
    command: Callable[[argparse.Namespace], Answer] = getattr(
        import_module(f"spectral_mae.cli.{module}"), function
    )
    return command
