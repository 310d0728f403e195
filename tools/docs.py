"""`python3 dev.py docs`: what in docs/ is made from the code: tables of settings, inputs and models, and the demo's picture."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ..backend.formats.images import read_image, write_jpeg
from ..backend.methods import Method, all_methods
from ..backend.settings import Option, options

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "settings.md"
INPUTS = ROOT / "docs" / "inputs.md"
MODELS = ROOT / "docs" / "models.md"
FORMATS = ROOT / "docs" / "formats.md"
THINGS = ROOT / "docs" / "things.md"
DEMO, PICTURE = ROOT / "demo" / "preview.png", ROOT / "docs" / "pictures" / "demo.jpg"
PICTURE_PX = 900  # wide and high at most


def main() -> int:
    """Write the pages; take the picture from the last `dev.py demo`, where there was one."""
    from ..scene import compat
    from . import inputs, models, splat_formats, things

    compat.expose_usd()
    made = {PAGE: settings_page, INPUTS: inputs.page, MODELS: models.page, FORMATS: splat_formats.page, THINGS: things.page}
    for path, text in ((path, page()) for path, page in made.items()):
        path.write_text(text, encoding="utf-8")
        print(path)
    if DEMO.is_file():
        write_jpeg(PICTURE, read_image(DEMO, PICTURE_PX))
        print(PICTURE)
    return 0


def settings_page() -> str:
    """Every setting of every method as Markdown tables."""
    lines = ["# Settings", "", "Made by `python3 dev.py docs` from the settings themselves; don't edit this page.", ""]
    for method in all_methods().values():
        lines += _method(method)
    return "\n".join(lines)


def _method(method: Method) -> Iterator[str]:
    yield f"## {method.title}"
    yield ""
    yield f"{method.summary}. On the command line: `reify run {method.id}`."
    yield ""
    for name, changes in method.presets.items():
        changed = ", ".join(f"`{path}` {value}" for path, value in changes.items()) or "the defaults below"
        yield f"- Preset **{name}**: {changed}"
    group = None
    for option in options(method.settings):
        if option.group != group:
            group = option.group
            yield from ("", f"### {group or 'General'}", "", "| setting | flag | default | what it does |", "|---|---|---|---|")
        yield _row(option)
    yield ""


def _row(option: Option) -> str:
    limits = ""
    if option.low is not None or option.high is not None:
        limits = f" ({_number(option.low)} to {_number(option.high)})"
    choices = "".join(f"<br>`{name}`: {text}" for name, text in option.choices.items())
    default = f"{option.default} {option.unit}".strip()
    return f"| {option.label} | `{option.flag}` | {default} | {option.help}{limits}{choices} |"


def _number(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"


if __name__ == "__main__":
    sys.exit(main())
