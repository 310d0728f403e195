"""How Sphinx makes a website of this folder; `python3 dev.py docs --site OUT` calls it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

MANIFEST = tomllib.loads((Path(__file__).parents[1] / "blender_manifest.toml").read_text(encoding="utf-8"))

project = MANIFEST["name"]
release = MANIFEST["version"]
html_title = f"{project} {release}"
copyright = MANIFEST["copyright"][0]
extensions = ["myst_parser"]
myst_heading_anchors = 3
smartquotes = False  # they would make two hyphens of a flag one dash
html_theme = "alabaster"
html_theme_options = {
    "description": MANIFEST["tagline"],
    "page_width": "1240px",
    "body_max_width": "none",
    "sidebar_width": "240px",
    "code_font_size": "0.8em",
    "show_powered_by": False,
}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html"]}
html_static_path = html_css_files = ["style.css"]
html_copy_source = html_show_sourcelink = html_use_index = False


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _list_pages)


def _list_pages(_app: Any, page: str, source: list[str]) -> None:
    """Put the pages that the first one links to into the sidebar, in the same order; one that isn't linked is a warning."""
    if page == "index":
        pages = dict.fromkeys(re.findall(r"\]\((\w+)\.md\)", source[0]))
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", "", *pages, "```", ""])
