"""Print the shell blocks of README.md; with a number, only that one (from 1).

The README is the one place where the set-up commands are written down: ``.ci/run`` and the tests
read them from there.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def shell_blocks() -> list[str]:
    """The contents of the README's ``sh`` blocks, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", README.read_text("utf-8"), flags=re.M | re.S)


if __name__ == "__main__":
    blocks = shell_blocks()
    print("".join(blocks[int(sys.argv[1]) - 1] if len(sys.argv) > 1 else blocks), end="")
