"""`python3 dev.py package`: the extension's zip, validated and built by Blender's own builder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Build dist/reify-VERSION.zip; returns the builder's exit code."""
    output = ROOT / "dist"
    output.mkdir(exist_ok=True)
    builder = blender_ext()
    for command in (["validate", str(ROOT)], ["build", "--source-dir", str(ROOT), "--output-dir", str(output)]):
        if code := subprocess.call([sys.executable, str(builder), *command]):
            return code
    print(*sorted(output.glob("*.zip")), sep="\n")
    return 0


def blender_ext() -> Path:
    """Blender's own tool for extensions, which comes with the bpy wheel."""
    import bpy

    for kind in ("SYSTEM", "LOCAL"):
        found = sorted(Path(bpy.utils.resource_path(kind)).glob("scripts/addons_core/bl_pkg/cli/blender_ext.py"))
        if found:
            return found[0]
    raise FileNotFoundError("this bpy has no addons_core/bl_pkg/cli/blender_ext.py")


if __name__ == "__main__":
    sys.exit(main())
