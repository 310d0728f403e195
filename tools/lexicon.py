"""backend/prompt/lexicon.txt.gz, the nouns of WordNet 3.0 that name physical things.

    python -m reify.tools.lexicon FOLDER

FOLDER holds `data.noun` and `index.noun`, as Debian's package wordnet-base has them in /usr/share/wordnet. One line a synset, parents
first: its words with their sense's number behind a colon, a tab, and the line of its hypernym, -1 for a root.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

PHYSICAL = {"03", "05", "06", "08", "13", "17", "18", "20", "27"}  # lexicographer files: things, animals, artifacts, bodies, food …
TARGET = Path(__file__).parents[1] / "backend" / "prompt" / "lexicon.txt.gz"
LICENSE = (
    "WordNet 3.0, copyright 2006 by Princeton University. All rights reserved. https://wordnet.princeton.edu/license-and-commercial-use"
)


def main(folder: Path) -> None:
    """Write the lexicon."""
    senses = _senses(folder / "index.noun")
    synsets = {}
    for line in (folder / "data.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            continue
        fields = line.partition(" | ")[0].split()
        count = int(fields[3], 16)
        words = [word for word in fields[4 : 4 + 2 * count : 2]]
        pointers = fields[5 + 2 * count :]
        parents = [pointers[i + 1] for i in range(0, len(pointers) - 3, 4) if pointers[i] in ("@", "@i")]
        synsets[fields[0]] = (fields[1], words, parents)
    kept = {key for key, (room, words, _parents) in synsets.items() if room in PHYSICAL and any(word.islower() for word in words)}
    lines: list[str] = []
    number: dict[str, int] = {}

    def place(key: str) -> int:
        if key not in kept:
            above = synsets[key][2]
            return place(above[0]) if above else -1
        if key not in number:
            above = synsets[key][2]
            parent = place(above[0]) if above else -1
            number[key] = len(lines)
            words = (f"{word.replace('_', ' ')}:{senses[word].index(key) + 1}" for word in synsets[key][1] if word.islower())
            lines.append(f"{','.join(words)}\t{parent}")
        return number[key]

    for key in sorted(kept):
        place(key)
    text = "\n".join((f"# {LICENSE}", *lines))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(lines)} synsets, {TARGET.stat().st_size} bytes")


def _senses(path: Path) -> dict[str, list[str]]:
    """For each word the offsets of its synsets, the most frequent sense first."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("  "):
            fields = line.split()
            found[fields[0]] = fields[-int(fields[2]) :]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
