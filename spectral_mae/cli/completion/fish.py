"""The script for fish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spectral_mae.cli.completion.words import PROGRAM, Command, Word

_HEAD = """\
# Completion of {program} for fish:
#   {program} completion fish > ~/.config/fish/completions/{program}.fish

complete -c {program} -f
"""


def script(commands: Mapping[str, Command], builtin: Sequence[str]) -> str:
    """Return the script, for what can be typed after each command and built-in images."""
    lines = [_HEAD.format(program=PROGRAM)]
    for name, command in commands.items():
        if name:
            lines.append(_line("__fish_use_subcommand", f"-a {name}", command.help))
            lines += _of_command(name, command, builtin)
        else:
            lines += [_option("__fish_use_subcommand", one, builtin) for one in command.options]
    return "\n".join(lines) + "\n"


def _of_command(name: str, command: Command, builtin: Sequence[str]) -> Iterator[str]:
    there = f"__fish_seen_subcommand_from {name}"
    for word in command.options:
        yield _option(there, word, builtin)
    for word in command.places[-1:]:
        if word.choices:
            yield _line(there, f"-a '{' '.join(word.choices)}'", "")
        elif word.paths:
            yield _line(there, "-F", "")
        if word.images:
            yield _line(there, f"-a '{_images(builtin)}'", "built-in image")


def _option(condition: str, word: Word, builtin: Sequence[str]) -> str:
    names = " ".join(
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in word.names
    )
    if not word.value:
        value = ""
    elif word.choices:
        value = f" -x -a '{' '.join(word.choices)}'"
    elif word.images:
        value = f" -r -F -a '{_images(builtin)}'"
    else:
        value = " -r -F" if word.paths else " -x"
    return _line(condition, names + value, word.help)


def _line(condition: str, what: str, told: str) -> str:
    text = told.replace("\\", "\\\\").replace("'", "\\'")
    described = f" -d '{text}'" if told else ""
    return f"complete -c {PROGRAM} -n '{condition}' {what}{described}"


def _images(builtin: Sequence[str]) -> str:
    return " ".join(f"builtin:{name}" for name in builtin)
