"""`python3 dev.py package`: the extension's zip, validated and built by Blender's own builder.

dev.py package                              dist/reify-VERSION.zip, which fetches its engine when asked to
dev.py package --repository                 dist/repository/: that zip and its listing, to be put on any web server as it is
dev.py package --with-wheels                a zip that holds the engine, for this platform and Python; --with-torch: torch for the CPU, too
dev.py package --with-wheels --wheels DIR   the same from a folder of wheels, without the network
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..backend.engine import builds, install, requirements
from ..backend.engine.place import Place
from ..backend.engine.requirements import ENGINE, PARTS, Part

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PLATFORMS = {
    "linux-x86_64": "linux-x64",
    "linux-aarch64": "linux-arm64",
    "win-amd64": "windows-x64",
    "win-arm64": "windows-arm64",
    "macosx-arm64": "macos-arm64",
}  # Python's names -> Blender's
DISPLAY = ("operators.import_splats", "translations")  # what the build without an engine registers, and holds with all they import
DISPLAY_INIT = '''"""Splat files as Blender objects: the part of Reify that needs nothing but numpy."""

from . import translations
from .operators import import_splats


def register():
    """Called by Blender when the extension is enabled."""
    import_splats.register()
    translations.register()


def unregister():
    """Called by Blender when it is disabled."""
    translations.unregister()
    import_splats.unregister()
'''
FROM_3_13 = "5.1.0"  # the first Blender with Python 3.13; those before have 3.11


def main(argv: Sequence[str] | None = None) -> int:
    """Build what is asked for into dist/; returns the exit code of the builder, or of pip."""
    parser = argparse.ArgumentParser(prog="dev.py package")
    parser.add_argument("--repository", action="store_true", help="a static repository, for updates from within Blender")
    parser.add_argument("--with-wheels", action="store_true", help="put the engine's wheels for this platform and Python into the zip")
    parser.add_argument("--with-torch", action="store_true", help="those of torch for the CPU, too, which learned methods need")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="take them from this folder instead of the network")
    parser.add_argument("--output", type=Path, default=DIST, metavar="DIR", help="where to put it (default: dist)")
    parser.add_argument("--display-only", action="store_true", help="only what reads and shows splats, with nothing but numpy")
    arguments = parser.parse_args(argv)
    output = (arguments.output / "repository" if arguments.repository else arguments.output).absolute()
    output.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".building-", dir=output) as private:  # another run may build the same zip just now
            if arguments.with_wheels or arguments.with_torch:
                build_with_wheels(Path(private), arguments.wheels, PARTS if arguments.with_torch else (ENGINE,))
            elif arguments.display_only:
                build_display(Path(private))
            else:
                build(ROOT, Path(private))
            for built in Path(private).iterdir():
                built.replace(output / built.name)
        if arguments.repository:
            _blender("server-generate", "--repo-dir", str(output), "--html")
    except subprocess.CalledProcessError as error:
        return error.returncode
    print(*sorted(path for path in output.iterdir() if path.is_file()), sep="\n")
    return 0


def build(source: Path, output: Path, *options: str) -> None:
    """Validate the tree at `source` and build its zip into `output`; raises CalledProcessError where it isn't valid."""
    _blender("validate", str(source))
    _blender("build", "--source-dir", str(source), "--output-dir", str(output), *options)


def build_with_wheels(output: Path, wheels: Path | None, parts: Sequence[Part]) -> None:
    """Build a zip that brings parts of the engine, for machines without a network; `wheels` is a folder of them, None for the network's.

    numpy stays out: all extensions share one folder of packages, and there it would take the place of Blender's own.
    """
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary, "reify")
        build(ROOT, Path(temporary))
        with zipfile.ZipFile(next(Path(temporary).glob("reify-*.zip"))) as whole:
            whole.extractall(tree)
        (tree / "wheels").mkdir()
        if wheels is None:
            for part in parts:
                _download(part, tree / "wheels")
        else:
            for wheel in wheels.glob("*.whl"):
                shutil.copy(wheel, tree / "wheels")
        for numpy in (tree / "wheels").glob("numpy-*.whl"):
            numpy.unlink()
        manifest = tree / "blender_manifest.toml"
        names = sorted(f"./wheels/{wheel.name}" for wheel in (tree / "wheels").iterdir())
        manifest.write_text(bundled(manifest.read_text(encoding="utf-8"), names, PLATFORMS[requirements.platform_key()]), encoding="utf-8")
        build(tree, output, "--split-platforms")


def build_display(output: Path) -> None:
    """Build a zip of its own id that needs no engine and no network, as the official platform wants it."""
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary)
        for path in reached(DISPLAY):
            (tree / path.parent).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, tree / path)
        shutil.copy(ROOT / "LICENSE", tree)
        (tree / "__init__.py").write_text(DISPLAY_INIT, encoding="utf-8")
        (tree / "operators" / "__init__.py").write_text("", encoding="utf-8")  # the whole one imports all operators
        whole = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
        taken = ("schema_version", "version", "maintainer", "type", "blender_version_min", "license", "copyright")
        manifest = {key: whole[key] for key in taken} | {
            "id": "reify_display",
            "name": "Reify Display",
            "tagline": "Gaussian splat files as Blender objects",
            "tags": ["3D View", "Import-Export"],
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in manifest.items()]  # strings and lists are the same in TOML
        lines += ["[permissions]", 'files = "Read splat files"']
        (tree / "blender_manifest.toml").write_text("\n".join(lines), encoding="utf-8")
        build(tree, output)


def reached(modules: Sequence[str]) -> list[Path]:
    """The files, relative to the checkout, of these modules and of all that they import from it, inside functions too."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        candidates = (Path(*name.split("."), "__init__.py"), Path(*name.split(".")).with_suffix(".py"))
        path = next((path for path in candidates if (ROOT / path).is_file()), None)
        if path is None or name in found:  # a name inside a module
            continue
        found[name] = path
        waiting += [name.rpartition(".")[0]] if "." in name else []
        if name != "operators":
            waiting += _imported(
                name if path.name == "__init__.py" else name.rpartition(".")[0], ast.parse((ROOT / path).read_text("utf-8"))
            )
    return sorted(found.values())


def _imported(package: str, tree: ast.AST) -> Iterator[str]:
    for_types = {
        inner for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) for inner in node.body
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and node not in for_types:
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            module = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            yield from (module, *(f"{module}.{alias.name}".strip(".") for alias in node.names))


def bundled(manifest: str, wheels: Sequence[str], platform: str, python: tuple[int, ...] = sys.version_info[:2]) -> str:
    """The manifest of a zip with these wheels, for the Blenders that have this Python."""
    minimum = 'blender_version_min = "4.5.0"\n'
    blender = f'{minimum}blender_version_max = "{FROM_3_13}"\n' if python < (3, 13) else f'blender_version_min = "{FROM_3_13}"\n'
    lines = f"{blender}platforms = {json.dumps([platform])}\nwheels = {json.dumps(list(wheels), indent=2)}\n"
    if minimum not in manifest:
        raise ValueError(f"blender_manifest.toml no longer holds {minimum.strip()}")
    return manifest.replace(minimum, lines)


def _download(part: Part, folder: Path) -> None:
    """Fetch a part's wheels for this platform and Python, those of the lock with its hashes.

    The torch of PyTorch's own index is fetched from there, with the hashes that are known.
    """
    plan = install.Plan(Place(folder, part), builds.fitting("cpu")[0])
    command = [sys.executable, "-m", "pip", "download", "--only-binary", ":all:", "--no-deps", "--dest", str(folder)]
    with tempfile.TemporaryDirectory() as temporary:
        if plan.apart is not None:
            pinned = install.pinned_apart(plan, plan.apart, Path(temporary))
            subprocess.check_call([*command, *pinned, "--index-url", plan.build.index])
        names = [plan.apart.name] if plan.apart is not None else []
        lock = Path(temporary, "lock.txt")
        lock.write_text(requirements.locked(part.locked, names, install.ONLY_FOR_CUDA if names else ()), encoding="utf-8")
        subprocess.check_call([*command, "--require-hashes", "--requirement", str(lock)])


def _blender(*command: str) -> None:
    subprocess.check_call([sys.executable, str(blender_ext()), *command])


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
