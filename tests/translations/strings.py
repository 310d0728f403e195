"""Every string that the interface shows by itself: labels, tooltips, options, and the sentences that panels draw."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DRAWN = ("label", "operator", "progress", "prop", "column", "prop_search", "row")  # of a layout, and what of them is text
WORDS = ("text", "heading")
LEAST_LETTERS = 8  # of a message; one with fewer is all values
SPOKEN = ("say", "text", "told", "poll_message_set")


def all_strings() -> set[str]:
    """What has to be in the table of each language. The extension must be registered."""
    return {
        string
        for string in (*_registered(), *_written(), *_methods(), *_models(), *_figures())
        if any(letter.isalpha() for letter in string)
    }


def _registered() -> Iterator[str]:
    import bpy
    from reify.preferences import ReifyPreferences

    for name in dir(bpy.types):
        cls = getattr(bpy.types, name)
        if "reify" in name.lower() and hasattr(cls, "bl_label"):
            yield cls.bl_label
    owners = [getattr(bpy.ops.reify, verb).get_rna_type() for verb in dir(bpy.ops.reify)]
    yield from (owner.description for owner in owners)
    scene = bpy.context.scene.reify
    groups = [found.fixed_type for found in scene.bl_rna.properties if found.type == "POINTER" and found.identifier != "rna_type"]
    sources = [group.properties["sources"].fixed_type for group in groups if "sources" in group.properties]
    for owner in (*owners, scene.bl_rna, bpy.context.scene.reify_convert.bl_rna, *groups, *sources, ReifyPreferences.bl_rna):
        for found in owner.properties:
            if found.is_runtime and not found.is_hidden and found.identifier != "name" and found.type not in ("POINTER", "COLLECTION"):
                yield from _described(found)


def _described(found: Any) -> Iterator[str]:
    yield found.name
    yield found.description
    if found.type == "ENUM":
        for item in found.enum_items:
            yield item.name
            if found.identifier != "preset":  # its tooltips are made of labels and values
                yield item.description


def _methods() -> Iterator[str]:
    from reify.backend import settings as settings_of
    from reify.backend.methods import all_methods

    for method in all_methods().values():
        yield method.title
        yield method.summary
        yield from method.stages
        yield from (option.group for option in settings_of.options(method.settings))


def _models() -> Iterator[str]:
    from reify.backend.networks.library.catalog import ENTRIES
    from reify.backend.networks.library.entry import Proof

    yield from (proof.value for proof in Proof)
    for entry in ENTRIES:
        yield from (entry.use, entry.license.words)


def messages() -> set[str]:
    """What errors and notes of jobs say in Blender, with `{}` for each value, as far as it stands in the source as a whole."""
    found = set()
    for room in ("backend", "scene", "session", "operators"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = _name(node.func) if isinstance(node, ast.Call) else ""
                places = node.args if name in ("ReifyError", "Refused") else node.args[:1] if name == "warn" else []
                if isinstance(node, ast.Assign) and {"what", "fix"} & {_name(target) for target in node.targets}:
                    places = [node.value]
                found |= {form for place in places for part in _parts(place) if (form := _form(part))}
    return {form for form in found if sum(map(str.isalpha, form)) >= LEAST_LETTERS}


def _form(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _figures() -> Iterator[str]:
    from reify.backend.jobs.runner import State
    from reify.backend.jobs.standing import COMPILES
    from reify.panels import convert, menus, parts, splats
    from reify.scene import splat_nodes
    from reify.session import defaults

    yield from (splats.LABELS.get(name, name) for name in splat_nodes.INPUTS)
    yield from splat_nodes.LOOKS
    yield from (*menus.SEARCHED.values(), *menus.SHOWN.values(), COMPILES)
    yield from convert.LABELS.values()
    yield from defaults.LABELS.values()
    yield from (state.value for state in State)
    yield from (parts.figure_label(name) for name in (*parts.HEADLINE, *parts.EXPERT, "quads"))


def _written() -> Iterator[str]:
    for room in ("panels", "operators", "session"):
        for path in sorted((ROOT / room).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _said_by(node)


def _said_by(call: ast.Call) -> Iterator[str]:
    name = _name(call.func)
    places: list[ast.expr] = [keyword.value for keyword in call.keywords if keyword.arg in WORDS and name in DRAWN]
    places += call.args if name in SPOKEN else []
    for place in places:
        for part in _parts(place):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _parts(place: ast.expr) -> tuple[ast.expr, ...]:
    return (place.body, place.orelse) if isinstance(place, ast.IfExp) else (place,)
