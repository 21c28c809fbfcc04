"""The script for bash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spectral_mae.cli.completion.words import FUNCTION, PROGRAM, Command, Word

_SCRIPT = """\
# Completion of {program} for bash. Add to ~/.bashrc:
#   source <({program} completion bash)

{function}_words() {{
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
}}

{function}_paths() {{
    # Readline completes files best by itself; older versions of bash cannot be asked to.
    COMPREPLY=()
    compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$cur"))
}}

{function}_images() {{
    # The colon of builtin:NAME ends a word of readline.
    if [[ $prev == ":" || $cur == ":" ]]; then
        local stem=${{cur#:}}
        COMPREPLY=($(compgen -W "{builtin}" -- "$stem"))
    elif [[ -n $cur && builtin: == "$cur"* && ! -e $cur ]]; then
        COMPREPLY=("builtin:")
        compopt -o nospace 2>/dev/null
    else
        {function}_paths
    fi
}}

{function}() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}}
    local prev=${{COMP_WORDS[COMP_CWORD-1]}}
    local command=${{COMP_WORDS[1]}}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        {function}_words "{commands}"
        return
    fi
    # The equals sign of --option=value is a word of its own.
    local option=$prev
    if [[ $cur == "=" ]]; then
        cur=""
    elif [[ $prev == "=" ]]; then
        option=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    case "$command $option" in
{values}
    esac
    case "$command" in
{places}
    esac
}}

complete -F {function} {program}
"""


def script(commands: Mapping[str, Command], builtin: Sequence[str]) -> str:
    """Return the script, for what can be typed after each command and built-in images."""
    named = {name: one for name, one in commands.items() if name}
    flags = [name for word in commands[""].options for name in word.names]
    return _SCRIPT.format(
        program=PROGRAM,
        function=FUNCTION,
        builtin=" ".join(builtin),
        commands=" ".join([*named, *flags]),
        values="\n".join(_values(named)),
        places="\n".join(_places(named)),
    )


def _values(commands: Mapping[str, Command]) -> Iterator[str]:
    """What may follow an option that takes a value."""
    for command, found in commands.items():
        for word in found.options:
            if word.value:
                pattern = "|".join(f'"{command} {name}"' for name in word.names)
                yield f"        {pattern}) {_completed(word)}; return ;;"


def _places(commands: Mapping[str, Command]) -> Iterator[str]:
    """Options, and what may stand without one."""
    for command, found in commands.items():
        names = " ".join(name for word in found.options for name in word.names)
        told = [_completed(word) for word in found.places]
        # What the last place takes may follow any number of times.
        otherwise = told[-1] if told else ":"
        yield (
            f'        {command}) if [[ $cur == -* ]]; then {FUNCTION}_words "{names}"; '
            f"else {otherwise}; fi ;;"
        )


def _completed(word: Word) -> str:
    if word.choices:
        return f'{FUNCTION}_words "{" ".join(word.choices)}"'
    if word.images:
        return f"{FUNCTION}_images"
    return f"{FUNCTION}_paths" if word.paths else ":"
