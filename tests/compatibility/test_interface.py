"""Scripts, keymaps and .blend files name operators, panels and properties; those names stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reify.tests.compatibility.conftest import FILES

pytestmark = pytest.mark.blender

SMALL = 100  # numbers up to it are positions, larger ones hashes
NAMES = json.loads((FILES / "interface.json").read_text(encoding="utf-8"))


def _check(rna: Any, named: dict[str, Any], where: str) -> None:
    for name, kind in named.items():
        assert name in rna.properties, f"{where}.{name}"
        known = rna.properties[name]
        if isinstance(kind, str):
            assert known.type == kind, f"{where}.{name}"
        else:
            items = {item.identifier: item.value for item in known.enum_items}
            # Those files had numbers of 31 bits, of which Blender's interface lost the last: the first 24 are left.
            kept = {identifier: number >> 7 if number > SMALL else number for identifier, number in kind.items()}
            assert kept.items() <= items.items(), f"{where}.{name}"


def test_every_operator_is_there_with_its_properties(scene) -> None:
    import bpy

    assert set(NAMES["operators"]) <= set(dir(bpy.ops.reify))
    for name, properties in NAMES["operators"].items():
        _check(getattr(bpy.ops.reify, name).get_rna_type(), properties, name)


def test_every_panel_menu_and_file_handler_is_there(scene) -> None:
    import bpy

    assert [name for name in NAMES["panels"] if not hasattr(bpy.types, name)] == []


def test_every_property_of_a_scene_is_there_and_items_of_enums_keep_their_numbers(scene) -> None:
    for name, properties in NAMES["scene"].items():
        _check(getattr(scene, name).bl_rna, properties, name)
    for method, properties in NAMES["groups"].items():
        _check(getattr(scene.reify, method).bl_rna, properties, method)


def test_every_preference_is_there() -> None:
    from reify.preferences import ReifyPreferences

    assert set(NAMES["preferences"]) <= set(ReifyPreferences.__annotations__)
