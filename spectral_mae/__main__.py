"""``python -m spectral_mae`` is ``spectral-mae``."""

import sys

from spectral_mae.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
