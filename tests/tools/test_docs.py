"""What of the docs is made from the code is up to date."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from reify.backend.methods import all_methods
from reify.backend.settings import options
from reify.tools import docs, inputs, models, splat_formats, things

ROOT = Path(__file__).resolve().parents[2]


def test_the_settings_page_is_the_one_that_the_settings_make() -> None:
    assert docs.PAGE.read_text(encoding="utf-8") == docs.settings_page(), "run `python3 dev.py docs`"


def test_the_settings_page_names_every_flag_of_every_method() -> None:
    page = docs.settings_page()
    for method in all_methods().values():
        assert all(f"`{option.flag}`" in page for option in options(method.settings))


def test_the_page_of_inputs_says_what_is_read_of_each_layout() -> None:
    assert docs.INPUTS.read_text(encoding="utf-8") == inputs.page(), "run `python3 dev.py docs`"


def test_the_page_of_things_is_the_catalogue() -> None:
    assert docs.THINGS.read_text(encoding="utf-8") == things.page(), "run `python3 dev.py docs`"


def test_the_page_of_models_is_the_one_that_the_library_makes() -> None:
    assert docs.MODELS.read_text(encoding="utf-8") == models.page(), "run `python3 dev.py docs`"


@pytest.mark.blender
def test_the_page_of_formats_says_what_each_holds_and_loses() -> None:
    pytest.importorskip("bpy")
    from reify.scene import compat

    compat.expose_usd()
    for package in ("PIL", "pxr", "scipy"):
        pytest.importorskip(package)
    assert docs.FORMATS.read_text(encoding="utf-8") == splat_formats.page(), "run `python3 dev.py docs`"


def test_the_version_is_the_same_wherever_it_stands() -> None:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == project["project"]["version"]
    assert f"## {manifest['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
