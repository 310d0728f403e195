"""The panel, dropping and the readers know the same endings."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from reify.backend.formats import endings

ROOT = Path(__file__).resolve().parents[2]


def test_every_ending_is_lower_case_and_stands_in_one_group():
    groups = (endings.PILLOW, endings.HEIF, (".exr",), endings.RAW, endings.UNREAD_PICTURES, endings.VIDEOS, endings.UNREAD_VIDEOS)
    everything = [ending for group in groups for ending in group]
    assert all(ending == ending.lower() and ending.startswith(".") for ending in everything)
    assert len(set(everything)) == len(everything)


def test_no_other_module_lists_endings_of_pictures_or_videos():
    lists = []
    for room in ("backend", "operators", "panels", "scene", "farm"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.name != "endings.py" else ():
                if isinstance(node, ast.Tuple | ast.List | ast.Set):
                    texts = {part.value for part in node.elts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
                    if len(texts & {*endings.PICTURES, *endings.VIDEOS}) > 4:
                        lists.append(path.name)
    assert not lists


@pytest.mark.blender
def test_whatever_can_be_read_can_be_dropped_and_chosen():
    pytest.importorskip("bpy")
    from reify.operators import drop

    assert set(drop.REIFY_FH_pictures.bl_file_extensions.split(";")) >= {*endings.PICTURES, *endings.VIDEOS}
    shown_by_blender = {"." + name for name in ["png", "tga", "bmp", "jpg", "jpeg", "tif", "tiff", "exr", "webp", "jp2"]}
    assert {*endings.CAMERAS, *endings.PICTURES} - shown_by_blender <= {*endings.BROWSED}
    assert len(endings.patterns(*endings.BROWSED)) < 240
