"""What commands say beside their results, on standard error, and the colours of what is printed.

Colours follow NO_COLOR and FORCE_COLOR, as the standard library does; without both they are for
terminals.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

RED, GREEN, YELLOW, BOLD = 31, 32, 33, 1


def failed(what: str, reason: object) -> None:
    """Say that an image or a figure failed, and why."""
    print(f"{painted('failed:', RED, sys.stderr)} {what}: {reason}", file=sys.stderr)


def note(text: str) -> None:
    """Say what should be known of the results."""
    print(f"{painted('note:', YELLOW, sys.stderr)} {text}", file=sys.stderr)


def error(command: str, text: object) -> None:
    """Say why a command has ended early."""
    print(f"{painted(f'spectral-mae {command}:', RED, sys.stderr)} {text}", file=sys.stderr)


def interrupted(interrupt: KeyboardInterrupt, more: str = "") -> None:
    """Say that the command was interrupted, and how it goes on."""
    resumed = "" if getattr(interrupt, "signum", None) is None else "; --resume goes on"
    print(f"spectral-mae: interrupted{resumed}{more}", file=sys.stderr)


def painted(text: str, color: int, stream: TextIO) -> str:
    """Return the text in a colour, where the stream takes colours.

    Examples
    --------
    >>> import io
    >>> painted("ok", GREEN, io.StringIO())
    'ok'
    """
    return f"\x1b[{color}m{text}\x1b[0m" if has_colors(stream) else text


def has_colors(stream: TextIO) -> bool:
    """Whether what is printed there may be coloured.

    ``NO_COLOR`` says no, then ``FORCE_COLOR`` says yes (https://no-color.org; set and not empty);
    otherwise terminals take colours, unless ``TERM`` is "dumb".
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()
