"""*Render Splats*: our rasterizer through the scene's camera, composited by depth with the engine's render of everything else.

The engine renders the scene without its splats, with a transparent film, depth and the world as passes; all splat objects are sorted
together, with their transforms. Splats cast no shadows and are in no mirrors: that is what the engine's own render of them is for.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.splats.layers import FAR, SceneLayers, composited, linear
from ..backend.splats.view import View, view_of
from ..backend.values import Array
from . import compat
from .viewport import clouds

if TYPE_CHECKING:
    from ..backend.splats.cpu.scene_rasterizer import SceneRasterizer
    from ..backend.splats.scene_rows import Instance

BLUR_SAMPLES = 8  # moments that a frame with motion blur is the mean of
SURFACES = ("MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "HAIR", "POINTCLOUD", "VOLUME", "GREASEPENCIL")
ENDING = ".exr"


@dataclass(frozen=True)
class Frame:
    """The size of a picture, and the part of it that is rendered; pixels, from the top left."""

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int


def frames(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, numbers: Sequence[int], path: str, with_scene: bool = True
) -> Generator[Path, None, None]:
    """Render and write frames, yielding the path of each; in the end, or when it is closed, the scene is at the frame that it was at.

    `path` is as in `frame_path`. Raises ReifyError where the scene can't be rendered or a file not be written.
    """
    from ..backend.formats.passes import write_rgba_depth

    before, subframe = scene.frame_current, scene.frame_subframe
    try:
        with SplatRender(scene, layer, with_scene) as render:
            for number in numbers:
                target = frame_path(path, number)
                write_rgba_depth(target, render.frame(number))
                yield target
    finally:
        scene.frame_set(before, subframe=subframe)


class SplatRender:
    """Frames of a scene's splats, one after another; close it in the end."""

    def __init__(self, scene: bpy.types.Scene, layer: bpy.types.ViewLayer, with_scene: bool = True) -> None:
        """`with_scene` renders the scene's meshes and world, too. Raises ReifyError as `check` does."""
        from ..backend.splats.rasterizers import of_scene

        self.scene, self.layer, self.with_scene = scene, layer, with_scene
        check(scene)
        clouds.forget()
        self._rasterizer: SceneRasterizer = of_scene()

    def frame(self, number: int) -> Array:
        """The picture of a frame [H,W,5] float32: premultiplied linear red, green, blue, alpha, and depth, `FAR` where nothing is."""
        scene = self.scene
        scene.frame_set(number)
        frame = frame_of(scene)
        layers = self._scene_layers()
        limits: tuple[Array | None, ...] = (None,)
        if layers is not None:
            limits = (np.where(layers.depth < FAR / 2, layers.depth, np.inf).astype(np.float32), None)
        found = self._splats(number, frame, limits)
        picture = composited(found[0], found[-1], layers, opaque=self.with_scene and not scene.render.film_transparent)
        whole = np.zeros((frame.height, frame.width, 5), np.float32)
        if scene.render.use_border and scene.render.use_crop_to_border:
            return picture
        whole[..., 4] = FAR
        whole[frame.top : frame.bottom, frame.left : frame.right] = picture
        return whole

    def close(self) -> None:
        """End the threads, and forget the splats."""
        self._rasterizer.close()
        clouds.forget()

    def __enter__(self) -> SplatRender:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _splats(self, number: int, frame: Frame, limits: tuple[Array | None, ...]) -> list[Array]:
        """The splats before each limit, linear, [H,W,5]; with motion blur the mean over the shutter, with the depth of its middle."""
        moments = _moments(self.scene)
        found: list[Array] = []
        for moment in moments:
            if len(moments) > 1:
                self.scene.frame_set(number + int(np.floor(moment)), subframe=float(moment - np.floor(moment)))
            view = camera_view(self.scene, self.layer.depsgraph, frame)
            shifted = [None if limit is None else limit + np.float32(view.depth_shift) for limit in limits]
            for i, measured in enumerate(self._rasterizer.measure(self._instances(), view, *shifted)):
                light = np.concatenate((linear(measured[..., :4]), measured[..., 4:]), axis=-1)
                surface = light[..., 4]
                surface[surface > 0] -= view.depth_shift
                if len(found) <= i:
                    found.append(light)
                else:
                    found[i][..., :4] += light[..., :4]
                    found[i][..., 4] = np.where(surface > 0, surface, found[i][..., 4])
        if len(moments) > 1:
            self.scene.frame_set(number)
        for light in found:
            light[..., :4] /= len(moments)
        return found

    def _instances(self) -> list[Instance]:
        from ..backend.splats.scene_rows import Instance

        depsgraph = self.layer.depsgraph
        shown = clouds.rendered(depsgraph, self.layer)
        if clouds.carry():  # the nodes hand on what modifiers have made of splats only after they were told to
            self.layer.update()
            shown = clouds.rendered(depsgraph, self.layer)
        visible = visible_to_renders(self.layer)
        return [Instance(clouds.rows_of(entry.cloud), entry.world_from_object) for entry in shown if entry.owner in visible]

    def _scene_layers(self) -> SceneLayers | None:
        scene, render = self.scene, self.scene.render
        if not self.with_scene or (not _surfaces(self.layer) and (render.film_transparent or scene.world is None)):
            return None
        with _without_splats(scene, self.layer):
            passes = self._passes()
            whole = passes
            with ExitStack() as restored:  # an engine gives no depth of holdouts: it renders them as surfaces, too, where there are any
                if held := _stop_holding_out(restored, self.layer):
                    whole = self._passes()
        rgba = np.stack([passes[f"Combined.{channel}"] for channel in "RGBA"], axis=-1)
        world = np.zeros_like(rgba[..., :3])
        if not render.film_transparent and "Environment.R" in passes:
            world = np.stack([passes[f"Environment.{channel}"] for channel in "RGB"], axis=-1)
        share = np.clip(whole["Combined.A"] - passes["Combined.A"], 0, 1) if held else None
        return SceneLayers(rgba, whole["Depth.Z"], world, share)

    def _passes(self) -> dict[str, Array]:
        from ..backend.formats.passes import read_passes

        with tempfile.TemporaryDirectory(prefix="reify-") as folder:
            path = Path(folder) / f"frame{ENDING}"
            self.scene.render.filepath = str(path)
            bpy.ops.render.render(write_still=True, scene=self.scene.name, layer=self.layer.name)
            return read_passes(path, self.layer.name)


def check(scene: bpy.types.Scene) -> None:
    """Raise ReifyError where the scene has no camera that splats can be rendered through, or no splats."""
    camera: Any = scene.camera
    if camera is None or camera.type != "CAMERA":
        raise ReifyError("The scene has no camera.", "Add a camera, or make one active with Ctrl+Numpad 0.")
    if camera.data.type == "PANO":
        raise ReifyError("Splats can't be rendered through a panoramic camera.", "Choose a perspective or an orthographic lens.")
    if not any(clouds.is_rendered(found) for found in bpy.data.objects):
        raise ReifyError("The scene holds no splats.", "Import splats, or make some.")


def frame_of(scene: bpy.types.Scene) -> Frame:
    """The size of a scene's renders, with the percentage, and the region of *Render Region*; rounded as Blender does."""
    render = scene.render
    width, height = (max(1, size * render.resolution_percentage // 100) for size in (render.resolution_x, render.resolution_y))
    if not render.use_border:
        return Frame(width, height, 0, 0, width, height)
    left, right = int(render.border_min_x * width), int(render.border_max_x * width)
    bottom, top = int(render.border_min_y * height), int(render.border_max_y * height)
    return Frame(width, height, left, height - top, max(right, left + 1), max(height - bottom, height - top + 1))


def camera_view(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, frame: Frame) -> View:
    """What the scene's camera sees within the rendered part of a frame, with lens shift and the aspect of pixels."""
    camera: Any = scene.camera.evaluated_get(depsgraph)  # type: ignore[union-attr]
    aspect = {"scale_x": scene.render.pixel_aspect_x, "scale_y": scene.render.pixel_aspect_y}
    projection = camera.calc_matrix_camera(depsgraph, x=frame.width, y=frame.height, **aspect)
    pose = camera.matrix_world.normalized().inverted()
    view = view_of(np.array(projection), np.array(pose), frame.width, frame.height, (camera.data.clip_start, camera.data.clip_end))
    principal = view.principal_px[0] - frame.left, view.principal_px[1] - frame.top
    return replace(view, principal_px=principal, width=frame.right - frame.left, height=frame.bottom - frame.top)


def visible_to_renders(layer: bpy.types.ViewLayer) -> set[str]:
    """Names of the objects that a render of the view layer shows."""
    found: set[str] = set()

    def add(part: Any) -> None:
        if not part.exclude and not part.collection.hide_render:
            found.update(each.name for each in part.collection.objects if not each.hide_render)
            for child in part.children:
                add(child)

    add(layer.layer_collection)
    return found


def frame_path(path: str, number: int) -> Path:
    """Where a frame is written: the number in place of the last run of #, or at the end, as Blender does."""
    bare = path[: -len(ENDING)] if path.lower().endswith(ENDING) else path
    runs = list(re.finditer("#+", bare))
    if not runs:
        return Path(f"{bare}{number:04d}{ENDING}")
    last = runs[-1]
    return Path(f"{bare[: last.start()]}{number:0{len(last[0])}d}{bare[last.end() :]}{ENDING}")


def _surfaces(layer: bpy.types.ViewLayer) -> bool:
    """Whether a render shows anything but splats, lights and cameras."""
    visible = visible_to_renders(layer)
    for found in layer.objects:
        if found.name in visible and not clouds.is_rendered(found) and (found.type in SURFACES or found.is_instancer):
            return True
    return False


def _moments(scene: bpy.types.Scene) -> Sequence[float]:
    """The moments of a frame's exposure, in frames from its number on; the middle one is the last."""
    render: Any = scene.render
    if not render.use_motion_blur:
        return (0.0,)
    shift = {"START": 0.5, "CENTER": 0.0, "END": -0.5}[getattr(render, "motion_blur_position", "CENTER")]
    times = ((np.arange(BLUR_SAMPLES) + 0.5) / BLUR_SAMPLES - 0.5 + shift) * render.motion_blur_shutter
    return sorted(times, key=lambda moment: -abs(moment - shift * render.motion_blur_shutter))


@contextmanager
def _without_splats(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> Iterator[None]:
    """Inside, the scene is rendered without splats, as one view layer with the passes that compositing needs, into a file."""
    render: Any = scene.render
    image = render.image_settings
    with ExitStack() as restored:
        kept = [name for name in ("media_type", "file_format", "color_mode", "color_depth", "exr_codec") if hasattr(image, name)]
        before = {name: getattr(image, name) for name in kept}

        def restore() -> None:
            for name in kept:  # in this order: the first ones decide what the others may be
                setattr(image, name, before[name])

        restored.callback(restore)
        settings = {"film_transparent": True, "use_compositing": False, "use_sequencer": False, "use_overwrite": True}
        settings |= {"filepath": render.filepath, "use_file_extension": True, "use_single_layer": True, "use_crop_to_border": True}
        _set(restored, render, settings)
        _set(restored, layer, {"use_pass_combined": True, "use_pass_z": True, "use_pass_environment": True})
        for found in layer.objects:
            if clouds.is_rendered(found):
                _set(restored, found, {"hide_render": True})
        compat.render_passes_to_file(image)
        yield


def _stop_holding_out(restored: ExitStack, layer: bpy.types.ViewLayer) -> bool:
    """Let holdouts be surfaces until `restored` ends; returns whether there are any."""
    owners: list[tuple[Any, str]] = [(found, "is_holdout") for found in layer.objects]
    parts: list[Any] = [layer.layer_collection]
    while parts:
        part = parts.pop()
        owners.append((part, "holdout"))
        parts.extend(part.children)
    held = [(owner, name) for owner, name in owners if getattr(owner, name)]
    for owner, name in held:
        _set(restored, owner, {name: False})
    return bool(held)


def _set(restored: ExitStack, owner: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        restored.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, value)
