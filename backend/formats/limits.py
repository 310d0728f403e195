"""What a file may claim: counts are compared with the file's size before anything is allocated for them.

So a damaged or hostile file of a few bytes ends in one sentence, not in gigabytes.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ReifyError

# Deflate packs at most 1032 to 1. Splats pack 2 to 4 to 1; this many times as much is still believed …
LARGEST_EXPANSION = 100
ALWAYS_EXPANDED = 64 << 20  # … and so are this many bytes, whatever the file's size: a scene of equal splats packs without limit


def damaged(path: Path) -> ReifyError:
    """The error for a file whose content contradicts itself or ends too early."""
    return ReifyError(f"{path.name} is damaged or cut off.", "Save or copy it again.")


def no_splats(path: Path, broken: int = 0) -> ReifyError:
    """The error for a file of splats that has none, or only `broken` ones."""
    what = f"All {broken} splats of {path.name} are broken." if broken else f"{path.name} holds no splats: it is empty."
    return ReifyError(what, "Export it again.")


def check_rows(path: Path, count: int, row_bytes: int, available: int) -> None:
    """Raise ReifyError unless `count` rows of at least `row_bytes` fit into the `available` bytes of a file."""
    if count < 0 or count * row_bytes > available:
        raise damaged(path)


def check_expansion(path: Path, expanded: int, packed: int) -> None:
    """Raise ReifyError where `packed` bytes of a file claim to hold more than any splats would: `expanded` bytes."""
    if expanded < 0 or expanded > max(ALWAYS_EXPANDED, LARGEST_EXPANSION * packed):
        raise damaged(path)
