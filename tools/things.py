"""docs/things.md, made by `python3 dev.py docs`: what From Text has a thing for, how large it is, and where its shape is from."""

from __future__ import annotations

from ..backend.shapes import catalogue

HEAD = """# Things

Made by `python3 dev.py docs` from the catalogue itself; don't edit this page.

These nouns From Text makes by parametric generators, each closed, of quads, with UVs, and as large as the longest side of the real thing
is. A noun that isn't among them is taken for one that WordNet calls its synonym or its kind, as an elm is a tree; of others **From Text**
says what comes nearest. Every shape is by {author}, license {license}.

| thing | also called | longest side | generator |
|---|---|---|---|
"""


def page() -> str:
    """The page."""
    names: dict[str, list[str]] = {}
    for word, noun in sorted(catalogue.SYNONYMS.items()):
        names.setdefault(noun, []).append(word)
    rows = []
    for noun, thing in sorted(catalogue.THINGS.items()):
        room = thing.make.__module__.rpartition(".")[2]
        rows.append(f"| {noun} | {', '.join(names.get(noun, []))} | {thing.size_m:g} m | {room}.{thing.make.__name__} |")
    return HEAD.format(author=catalogue.AUTHOR, license=catalogue.LICENSE) + "\n".join(rows) + "\n"
