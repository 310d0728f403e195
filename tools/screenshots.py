"""`python -m reify.tools.screenshots [FOLDER]`: the pictures that are made of the window tests' own.

They are those of docs/interface.md and, small, those that the tests compare the window with (tests/gui/expected). Without a
FOLDER of pictures the tests are run first, without comparing; that takes ten minutes and what tests/gui/make_chroot.sh makes.
Look at every one before you commit them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
EXPECTED = ROOT / "tests" / "gui" / "expected"
WIDTH_PX, QUALITY, EXPECTED_QUALITY = 960, 82, 75
COMPARED = ("generate", "panels")  # scenarios; that of single pictures shows some that aren't ours to store
SHOWN = {  # scenario and picture -> name in the manual
    "generate-zip-dropped": "window-install",
    "generate-photos-dropped": "window-drop",
    "generate-engine-missing": "window-engine",
    "generate-ready": "window-photos",
    "generate-preview": "window-training",
    "generate-result": "window-result",
    "generate-mesh": "window-mesh",
    "panels-closing-asks": "window-closing",
    "panels-results": "window-results",
    "panels-interrupted": "window-interrupted",
    "panels-german": "window-german",
    "splats-arrived": "window-splats",
}


def main() -> int:
    """Write docs/pictures/window-*.jpg and tests/gui/expected/*.jpg; returns 1 where the tests failed."""
    if len(sys.argv) > 1:
        return _convert(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory(prefix="reify-") as folder:
        environment = {**os.environ, "REIFY_GUI_SHOTS": folder, "REIFY_GUI_REMAKE": "1"}
        if subprocess.call([sys.executable, "-m", "pytest", "-m", "gui", "tests/gui", "-q"], cwd=ROOT, env=environment):
            return 1
        return _convert(Path(folder))


def _convert(folder: Path) -> int:
    from PIL import Image

    from ..tests.gui.compare import stored

    for old in EXPECTED.glob("*.jpg"):
        old.unlink()
    for path in sorted(folder.glob("*-*-*.png")):
        scenario, _number, name = path.stem.split("-", 2)
        with Image.open(path) as picture:
            if scenario in COMPARED:
                stored(picture).save(EXPECTED / f"{scenario}-{name}.jpg", quality=EXPECTED_QUALITY, optimize=True)
            if target := SHOWN.get(f"{scenario}-{name}"):
                height = round(picture.height * WIDTH_PX / picture.width)
                shown = picture.convert("RGB").resize((WIDTH_PX, height), Image.Resampling.LANCZOS)
                shown.save(PICTURES / f"{target}.jpg", quality=QUALITY, optimize=True)
                print(PICTURES / f"{target}.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
