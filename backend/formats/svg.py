"""SVG drawings by resvg: as a picture, and which of their shapes is seen where."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from ..errors import ReifyError
from ..reading import read_bytes
from ..values import Array
from .confined import file_inside

if TYPE_CHECKING:
    from PIL import Image

LONG_SIDE_PX = 2048
LARGEST = 64 << 20  # bytes of a drawing
SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "image", "use"}
UNSEEN = {"defs", "clipPath", "mask", "pattern", "symbol", "marker", "linearGradient", "radialGradient", "filter", "style", "metadata"}
FAINTEST = 0.05  # opacity of a shape that is seen
PAINTS = {"fill": "black", "stroke": "none"}  # and their values where nothing is said (SVG 2, 13.2)
PLAIN = "opacity:1;fill-opacity:1;stroke-opacity:1;filter:none;mix-blend-mode:normal"
FOREIGN = re.compile(r"""href\s*=\s*["'](?!\s*(#|data:))|<!ENTITY""")  # what may lead to another file
# What may take resvg hours on a picture of any size: filters of a million octaves or pixels of radius, patterns in patterns.
COSTLY = re.compile(r"<([\w-]+:)?(fe[A-Z]|pattern)")
APART = "import json, sys, resvg_py; sys.stdout.buffer.write(bytes(resvg_py.svg_to_bytes(**json.load(sys.stdin))))"
LONGEST_S = 30.0
CODE_STEP = 251 * 65_537  # odd, so that numbers step through all colors, and neighbors in the file differ much
Rules = dict[str, dict[str, str]]  # declarations by selector


def open_svg(path: Path) -> Image.Image:
    """The drawing with its transparency at LONG_SIDE_PX; raises ReifyError where resvg is missing, OSError where it is damaged."""
    return _rendered(_text_of(path), path)


def shapes_in(path: Path, size_px: tuple[int, int]) -> Array:
    """The number of the uppermost shape at each pixel, [H,W] int32 from 0 in the file's order, -1 where there is none.

    Groups are followed, clips obeyed; shadows and gradients make no shapes of their own. Raises as `open_svg` does.
    """
    try:
        root = ElementTree.fromstring(_text_of(path))
    except ElementTree.ParseError as error:
        raise OSError(str(error)) from error
    rules = _rules(root)
    count = _painted_by_number(root, rules, PAINTS, 1.0, 0)
    drawn = np.asarray(_rendered(ElementTree.tostring(root, encoding="unicode"), path, crisp=True).resize(size_px, 0)).astype(np.int64)
    codes = drawn[..., 0] << 16 | drawn[..., 1] << 8 | drawn[..., 2]
    known = np.array([_code(number) for number in range(count)], np.int64)
    order = np.argsort(known)
    at = np.searchsorted(known[order], codes).clip(0, max(count - 1, 0))
    found = count > 0 and known[order][at] == codes
    # Pictures within the drawing, and parts of a use that have paints of their own, keep their colors: one more part.
    return np.where(drawn[..., 3] < 128, -1, np.where(found, order[at] if count else 0, count)).astype(np.int32)


def _text_of(path: Path) -> str:
    data = read_bytes(path, LARGEST)
    if data.startswith(b"\x1f\x8b"):
        with gzip.open(io.BytesIO(data)) as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise OSError(f"it unpacks to more than {LARGEST >> 20} MB")
    return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")


def _rendered(text: str, path: Path, crisp: bool = False) -> Image.Image:
    try:
        import resvg_py
    except ImportError:
        what = f"{path.name} is an SVG drawing, which needs the package resvg_py."
        raise ReifyError(what, "Install the engine again, or save it as PNG.") from None
    from PIL import Image

    text = _confined(text, path.parent)
    look: dict[str, Any] = {"shape_rendering": "crisp_edges" if crisp else "geometric_precision", "resources_dir": str(path.parent)}
    look["skip_system_fonts"] = "<text" not in text  # finding fonts takes seconds
    # Both sides: it fits in there whatever size it says, and what would be too large is never drawn, at which resvg ends the process.
    look |= {"svg_string": text, "width": LONG_SIDE_PX, "height": LONG_SIDE_PX}
    try:
        drawn = _drawn_apart(look) if COSTLY.search(text) else bytes(resvg_py.svg_to_bytes(**look))
        return Image.open(io.BytesIO(drawn)).convert("RGBA")
    except subprocess.TimeoutExpired:
        raise ReifyError(f"The effects of {path.name} take too long to draw.", "Flatten them, or save it as PNG.") from None
    except (ValueError, RuntimeError) as error:
        raise OSError(str(error)) from error


def _drawn_apart(look: Mapping[str, Any]) -> bytes:
    """The PNG that resvg makes, in a process that is ended after LONGEST_S; raises ValueError with its last words where it fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    command = [sys.executable, "-c", APART]
    run = subprocess.run(
        command, input=json.dumps(look).encode(), capture_output=True, timeout=LONGEST_S, env=environment, creationflags=hidden
    )
    if run.returncode:
        raise ValueError(run.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
    return run.stdout


def _confined(text: str, folder: Path) -> str:
    """The drawing without the pictures that it names outside of its folder, which resvg would read."""
    if not FOREIGN.search(text):
        return text
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise OSError(str(error)) from error
    for node in root.iter():
        for key, value in list(node.attrib.items()):
            if key.rpartition("}")[2] != "href" or value.lstrip().startswith(("#", "data:")):
                continue
            if file_inside(value.strip(), folder) is None:
                del node.attrib[key]
    return ElementTree.tostring(root, encoding="unicode")


def _painted_by_number(node: ElementTree.Element, rules: Rules, inherited: Mapping[str, str], seen: float, count: int) -> int:
    """Give each shape under a node a color of its own in place of its paints; returns how many there are, counted from `count`."""
    said = _said(node, rules)
    paints = {name: said.get(name, value) for name, value in inherited.items()}
    seen *= _number(said.get("opacity"))
    name = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
    if name in UNSEEN:
        return count
    if name in SHAPES:
        red, green, blue = (_code(count) >> shift & 255 for shift in (16, 8, 0))
        shown = {paint: value != "none" and seen * _number(said.get(f"{paint}-opacity")) > FAINTEST for paint, value in paints.items()}
        colors = [f"{paint}:{f'rgb({red},{green},{blue})' if shown[paint] else 'none'}" for paint in PAINTS]
        kept = [f"{key}:{value}" for key, value in said.items() if key not in (*PAINTS, "filter")]
        node.set("style", ";".join([*kept, PLAIN, *colors]))
        return count + 1
    node.set("style", ";".join([*filter(None, [node.get("style", "").strip("; ")]), PLAIN]))
    for child in node:
        count = _painted_by_number(child, rules, paints, seen, count)
    return count


def _code(number: int) -> int:
    return (number + 1) * CODE_STEP % (1 << 24)


def _said(node: ElementTree.Element, rules: Rules) -> dict[str, str]:
    """What a node's own attributes, style sheets and style say, the stronger over the weaker."""
    said = {key: value for key, value in node.attrib.items() if key in (*PAINTS, "opacity", "fill-opacity", "stroke-opacity")}
    tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
    names = [tag, *(f".{word}" for word in node.get("class", "").split()), f"#{node.get('id', '')}"]
    for name in names:
        said |= rules.get(name, {})
    return said | _declarations(node.get("style", ""))


def _rules(root: ElementTree.Element) -> Rules:
    """The declarations of a drawing's style sheets by tag, class and id; other selectors are left to resvg."""
    rules: Rules = {}
    for node in root.iter():
        if isinstance(node.tag, str) and node.tag.endswith("style") and node.text:
            text = re.sub(r"/\*.*?\*/", "", node.text, flags=re.DOTALL)
            for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
                for selector in selectors.split(","):
                    rules.setdefault(selector.strip(), {}).update(_declarations(body))
    return rules


def _declarations(text: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in text.split(";") if ":" in part)
    return {name.strip(): value.replace("!important", "").strip() for name, value in pairs}


def _number(text: str | None) -> float:
    try:
        return float(text.rstrip("%")) / (100.0 if text.endswith("%") else 1.0) if text else 1.0
    except ValueError:
        return 1.0
