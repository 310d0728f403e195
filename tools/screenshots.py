"""`python -m reify.tools.screenshots [FOLDER]`: the manual's pictures of the window, from those that the window tests take.

Without a FOLDER of pictures the tests are run first, which takes some twenty minutes and what tests/gui/make_chroot.sh makes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
WIDTH_PX, QUALITY = 960, 82
SHOWN = {  # ending of a picture's name -> name in the manual
    "generate-photos-dropped": "window-photos",
    "generate-preview": "window-training",
    "generate-result": "window-result",
    "generate-mesh": "window-mesh",
    "panels-closing-asks": "window-closing",
    "panels-results": "window-results",
    "panels-interrupted": "window-interrupted",
    "panels-german": "window-german",
    "first_steps-engine-missing": "window-engine",
}


def main() -> int:
    """Write docs/pictures/window-*.jpg; returns 1 where the tests failed."""
    if len(sys.argv) > 1:
        return _convert(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory(prefix="reify-") as folder:
        environment = {**os.environ, "REIFY_GUI_SHOTS": folder}
        if subprocess.call([sys.executable, "-m", "pytest", "tests/gui", "-q"], cwd=ROOT, env=environment):
            return 1
        return _convert(Path(folder))


def _convert(folder: Path) -> int:
    from PIL import Image

    for path in sorted(folder.glob("*.png")):
        scenario, _number, name = path.stem.split("-", 2)
        target = SHOWN.get(f"{scenario}-{name}")
        if target is None:
            continue
        with Image.open(path) as picture:
            height = round(picture.height * WIDTH_PX / picture.width)
            small = picture.convert("RGB").resize((WIDTH_PX, height), Image.Resampling.LANCZOS)
        small.save(PICTURES / f"{target}.jpg", quality=QUALITY, optimize=True)
        print(PICTURES / f"{target}.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
