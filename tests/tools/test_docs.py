"""The docs say what the code says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from reify.backend.methods import all_methods
from reify.backend.settings import options
from reify.tools import docs

ROOT = Path(__file__).resolve().parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))


def test_the_settings_page_is_the_one_that_the_settings_make() -> None:
    assert docs.PAGE.read_text(encoding="utf-8") == docs.settings_page(), "run `python3 dev.py docs`"


def test_the_settings_page_names_every_flag_of_every_method() -> None:
    page = docs.settings_page()
    for method in all_methods().values():
        assert all(f"`{option.flag}`" in page for option in options(method.settings))


def test_the_version_is_the_same_wherever_it_stands() -> None:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == project["project"]["version"]
    assert f"## {manifest['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_links_and_pictures_of_the_pages_are_there() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_first_page_leads_to_every_other() -> None:
    first = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((\w+\.md)\)", first)
    assert sorted(linked) == sorted(page.name for page in PAGES if page.parent.name == "docs" and page.name != "index.md")


def test_every_picture_is_shown_somewhere() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert f"pictures/{picture.name}" in text, picture.name
