"""What a .blend holds of Reify's is written by scripts and other versions, too: panels are drawn and files opened, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from reify.backend.errors import ReifyError
from reify.tests.panels.test_panels import Layout, draw, scene  # noqa: F401
from reify.tests.scene import samples

pytestmark = pytest.mark.blender
OTHERS = ("photo", "resolution", "pixel_aspect", "antialiased", "surfels")  # names of ours that don't say so
HOSTILE: tuple[Any, ...] = (
    *("", "x" * 5000, "{}", "null", "[1]", "//../../etc/passwd", r"\\host\share\a.ply", "nan", "\x01"),
    *(-1, 2**31 - 1, float("nan"), float("inf"), -1e300, True),
    *([], [0.0] * 16, [float("nan")] * 2, ["a", "b"], {"a": 1}, {"role": {"role": 1}}),
)


@pytest.fixture
def made(scene: Any) -> Any:  # noqa: F811
    """A result, a scene of a sentence, and splats that lie beside the .blend."""
    import bpy
    from reify.backend.assembly.assemble import assemble
    from reify.backend.jobs.job import Job
    from reify.backend.values import Report, Result
    from reify.scene import commit, notes, splat_storage

    collection = commit.commit(samples.result())
    notes.rate(collection, 3)
    notes.note(collection, "good")
    parts = assemble("a red apple on a table", "", 0, job=Job())
    commit.commit(Result("fruit", Report(method="text", settings={"text": "a red apple on a table"}), scene=parts))
    for cloud in bpy.data.pointclouds:
        if splat_storage.bands(cloud):
            splat_storage.store_beside(cloud)
            cloud[splat_storage.FILE], cloud[splat_storage.BANDS] = "//a.ply", 3
    return collection


def _properties() -> Iterator[tuple[Any, str]]:
    """Each datablock and each property of ours on it."""
    import bpy

    kinds = ("collections", "objects", "meshes", "pointclouds", "cameras", "materials", "images", "node_groups")
    for owner in (owner for kind in kinds for owner in getattr(bpy.data, kind)):
        yield from ((owner, key) for key in list(owner.keys()) if key.startswith("reify") or key in OTHERS)


def _panels() -> list[Any]:
    import bpy

    found = [panel for panel in bpy.types.Panel.__subclasses__() if panel.__module__.startswith("reify.")]
    return [panel for panel in found if "draw" in vars(panel)]


def _looked_at(collection: Any) -> None:
    """Whatever Blender asks for by itself at each redraw, and what scripts ask."""
    import bpy
    from reify import api
    from reify.scene import cameras, splat_storage

    for panel in _panels():
        if not hasattr(panel, "poll") or panel.poll(bpy.context):
            draw(panel)
    for name in dir(bpy.ops.reify):
        getattr(bpy.ops.reify, name).poll()
    api.results()
    splat_storage.restore_all()
    for camera in (made for made in collection.all_objects if made.type == "CAMERA"):
        try:
            cameras.read_cameras([camera])
            cameras.fit_render_to(camera, bpy.context.scene)
        except ReifyError:
            pass


def test_whatever_a_property_of_ours_holds_panels_are_drawn_and_scripts_served(made: Any, tmp_path: Any) -> None:
    import bpy

    seen = set()
    _looked_at(made)
    for owner, key in list(_properties()):
        if (kind := (type(owner), key)) in seen:
            continue
        seen.add(kind)
        before = owner[key]
        before = before.to_dict() if hasattr(before, "to_dict") else list(before) if hasattr(before, "to_list") else before
        item = owner if isinstance(owner, bpy.types.Object) else next((o for o in bpy.data.objects if o.data == owner), None)
        if item is not None and item.name in bpy.context.view_layer.objects:
            bpy.context.view_layer.objects.active = item
            item.select_set(True)
        for value in HOSTILE:
            try:
                owner[key] = value
            except (TypeError, ValueError, OverflowError):  # what Blender itself holds for no property
                continue
            try:
                _looked_at(made)
            except Exception as error:
                pytest.fail(f"{type(owner).__name__}.{key} = {str(value)[:60]!r}: {type(error).__name__}: {error}")
        owner[key] = before
    assert len(seen) > 10


def test_a_file_with_such_properties_is_saved_and_opened(made: Any, tmp_path: Any, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    import bpy

    for number, value in enumerate(HOSTILE):
        for owner, key in list(_properties()):
            try:
                owner[key] = value
            except (TypeError, ValueError, OverflowError):
                continue
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / f"{number}.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / f"{number}.blend"))
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err, (said.out + said.err)[-2000:]
