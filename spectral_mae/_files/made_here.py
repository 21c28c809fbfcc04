"""The mark by which pictures and tables of this package are recognised."""

from __future__ import annotations

from pathlib import Path

SOFTWARE = "spectral-mae"  # what the text "Software" of our PNGs says
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXT = b"Software\0" + SOFTWARE.encode()
_TABLES = (
    b"series,frequency,power,",
    b"frequency,count,naive",
    b"octave,ratio,stderr,nearest,uniform",
    b"offset_0,",
    b'{\n "made_by": "spectral-mae"',
)
_PAGE = b'<meta name="generator" content="spectral-mae">'
_BEGINNING = 4096  # bytes that hold the mark


def made_here(path: Path) -> bool:
    r"""Whether this package wrote a picture, a table or a page, so that it may be replaced.

    Parameters
    ----------
    path : pathlib.Path
        An existing file.

    Returns
    -------
    bool
        True if the file has the mark.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "a.csv")
    ...     _ = file.write_text("name,frequency\n")
    ...     made_here(file)
    False
    """
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    if beginning.startswith(_PNG):
        return _TEXT in beginning
    return beginning.startswith(_TABLES) or _PAGE in beginning
