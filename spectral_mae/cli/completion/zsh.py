"""The script for zsh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spectral_mae.cli.completion.words import FUNCTION, PROGRAM, Command, Word

_SCRIPT = """\
#compdef {program}
# Completion of {program} for zsh. Add to ~/.zshrc, after compinit:
#   source <({program} completion zsh)

{function}_images() {{
    local -a names=({builtin})
    if compset -P 'builtin:'; then
        compadd -a names
    else
        _alternative 'files:file:_files' 'builtin:built-in image:compadd -S "" builtin\\:'
    fi
}}

{function}() {{
    if ((CURRENT == 2)); then
        local -a commands=(
{commands}
        )
        _describe -t commands command commands
        _arguments {flags}
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
{cases}
    esac
}}

if [[ ${{funcstack[1]}} == {function} ]]; then
    {function} "$@"
else
    compdef {function} {program}
fi
"""


def script(commands: Mapping[str, Command], builtin: Sequence[str]) -> str:
    """Return the script, for what can be typed after each command and built-in images."""
    named = {name: one for name, one in commands.items() if name}
    return _SCRIPT.format(
        program=PROGRAM,
        function=FUNCTION,
        builtin=" ".join(builtin),
        commands="\n".join(
            f"            {_quoted(f'{name}:{one.help}')}" for name, one in named.items()
        ),
        flags=" ".join(_option(word) for word in commands[""].options),
        cases="\n".join(_case(name, one) for name, one in named.items()),
    )


def _case(name: str, command: Command) -> str:
    specs = [*(_option(word) for word in command.options), *_places(command.places)]
    return "\n".join(
        [
            f"        {name})",
            "            _arguments -s -S \\",
            *(f"                {spec} \\" for spec in specs[:-1]),
            f"                {specs[-1]}",
            "            ;;",
        ]
    )


def _option(word: Word) -> str:
    told = f"[{_plain(word.help)}]" + (_value(word) if word.value else "")
    alone = "" if word.value else "(" + " ".join(word.names) + ")"
    if len(word.names) == 1:
        repeated = "*" if word.value else alone
        return _quoted(f"{repeated}{word.names[0]}{told}")
    return f"{_quoted(alone) if alone else ''}{{{','.join(word.names)}}}{_quoted(told)}"


def _places(places: Sequence[Word]) -> Iterator[str]:
    """All places but the last take one word."""
    for number, word in enumerate(places, 1):
        yield _quoted(f"{number if word is not places[-1] else '*'}{_value(word)}")


def _value(word: Word) -> str:
    if word.choices:
        action = f"({' '.join(word.choices)})"
    elif word.images:
        action = f"{FUNCTION}_images"
    else:
        action = "_files" if word.paths else " "
    return f":{_plain(word.value)}:{action}"


def _plain(text: str) -> str:
    for sign in "\\[]:":
        text = text.replace(sign, f"\\{sign}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
