"""`python -m reify …`: the command line, with Ctrl-C handled before anything that takes long is loaded."""

from __future__ import annotations

import sys

from .backend import interrupts

if __name__ == "__main__":
    interrupts.end_from_now()
    from .cli import main

    sys.exit(main())
