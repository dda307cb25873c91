"""``python -m pyperf2``: the command line; no logic."""

import sys

from pyperf2.cli import main

if __name__ == "__main__":
    sys.exit(main())
