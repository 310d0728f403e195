"""docs/things.md, made by `python3 dev.py docs`: what From Text has a thing for, how large it is, and where its shape is from."""

from __future__ import annotations

from ..backend.shapes import catalogue, icons

HEAD = """# Things

Made by `python3 dev.py docs` from the catalogue itself; don't edit this page.

These nouns From Text makes, each closed, with UVs, and as large as the longest side of the real thing is: {generated} by parametric
generators of quads, by {author}, license {license}; {drawn} from vector icons, whose layers become bodies on each other. A noun that
isn't among them is taken for one that WordNet calls its synonym or its kind, as an elm is a tree; of others **From Text** says what
comes nearest.

The icons are {sets}. Their licenses stand in `backend/shapes/licenses/`. Each object carries source, author and license in its custom
property `reify_credits`, and the report has a line for each.

| thing | also called | longest side | shape |
|---|---|---|---|
"""


def page() -> str:
    """The page."""
    names: dict[str, list[str]] = {}
    for word, noun in sorted(catalogue.SYNONYMS.items()):
        names.setdefault(noun, []).append(word)
    rows = []
    for noun, thing in sorted(catalogue.THINGS.items()):
        rows.append(f"| {noun} | {', '.join(names.get(noun, []))} | {thing.size_m:g} m | {_shape(thing)} |")
    own = catalogue.GENERATED
    generated = sum(thing.source is own for thing in catalogue.THINGS.values())
    sets = ", and ".join(f"[{of.title}]({of.url}) by {of.author}, license {of.license}" for of in icons.SETS.values())
    head = HEAD.format(author=own.author, license=own.license, sets=sets, generated=generated, drawn=len(catalogue.THINGS) - generated)
    return head + "\n".join(rows) + "\n"


def _shape(thing: catalogue.Thing) -> str:
    if thing.source is catalogue.GENERATED:
        return f"generator {thing.make.__module__.rpartition('.')[2]}.{thing.make.__name__}"
    return f"{thing.source.title}, {thing.source.license}"
