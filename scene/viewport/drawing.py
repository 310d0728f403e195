"""The draw handler: composites splats over each 3D viewport, asks for new pictures, and has viewports redrawn when these come.

It runs after the scene and the overlays (POST_VIEW; what is drawn before is painted over) and never waits: it shows the newest picture
that there is, moved to where the view is by now, reads the scene's depth for the next one and hands the view to the drawing thread.
While a view moves pictures are coarser (`pace`); SETTLE_S after it came to rest the full one is asked for.

Colors: splats blend among themselves as in training, in sRGB, and their sum lies over the scene in linear light, untouched by the view
transform. Blender shows what overlays draw by a gamma of 2.2, which is undone here.

In *Rendered* the engine gets no splats whose look is "Splats" (the nodes see to that), so the handler draws them there, too.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass, field, replace
from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ...backend.splats.view import View, view_of
from ...backend.values import Array
from .. import splat_nodes
from . import clouds
from .clouds import Shown
from .pace import Pace
from .worker import Wish, Worker

SETTLE_S = 0.15  # without a change before a view counts as standing still
TICK_S = 1 / 60
LEAST_ALIKE = 0.8  # cosine between an old picture's direction and the view's: beyond, it is of no use


@dataclass(eq=False)
class Screen:
    """What a region shows, and what it has asked for."""

    key: Any = None  # of the view and the splats that were last seen
    moved_s: float = 0.0  # when that changed
    depth: Array | None = None  # of the scene, as last asked with
    asked: Any = None  # key, step and share of the newest wish
    ticket: int = 0  # number of that wish
    shown: Wish | None = None  # that of the texture
    texture: Any = None
    taken: int = 0  # number of the wish that it came from
    corner: tuple[int, int] = (0, 0)  # pixels of the picture left of the texture and below it
    height: int = 1  # of the picture, in its own pixels
    drawn: int = 0  # splats in it
    pace: Pace = field(default_factory=Pace)


@dataclass(eq=False)
class _State:
    handle: Any
    worker: Worker | None = None
    screens: dict[int, Screen] = field(default_factory=dict)  # by the region's pointer
    shader: Any = None
    batch: Any = None
    announced: bool = False  # whether the nodes leave splats to this room
    handler_ms: float = 0.0  # what the last call took of the main thread's own time


_state: _State | None = None


def start() -> None:
    """Draw splats from now on."""
    global _state
    if _state is None and not bpy.app.background:
        _state = _State(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW"))


def stop() -> None:
    """Draw none any more, and leave nothing behind: handler, timer, thread, textures, shader."""
    global _state
    if _state is None:
        return
    state, _state = _state, None
    bpy.types.SpaceView3D.draw_handler_remove(state.handle, "WINDOW")
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if state.worker is not None:
        state.worker.end()
    state.screens.clear()
    splat_nodes.set_drawn(False)


def can_draw() -> bool:
    """Whether what computes the pictures is installed."""
    return importlib.util.find_spec("numba") is not None


def is_drawing() -> bool:
    """Whether splats are drawn here: pictures have come, and none has failed since."""
    return _state is not None and _state.worker is not None and not _state.worker.problem and _state.worker.works


def problem() -> str:
    """Why splats can't be drawn, empty where they can or nobody has tried."""
    return _state.worker.problem if _state is not None and _state.worker is not None else ""


def screen_of(region: bpy.types.Region) -> Screen | None:
    """What a region shows; None where it shows no splats."""
    return _state.screens.get(region.as_pointer()) if _state is not None else None


def counts_of(area: bpy.types.Area | None) -> tuple[int, int] | None:
    """Splats drawn while the view of an area's first region moves, and all that are in its scene; None where there are none."""
    regions = [] if area is None else [region for region in area.regions if region.type == "WINDOW"]
    screen = screen_of(regions[0]) if regions else None
    if screen is None or screen.shown is None:
        return None
    counts = [entry.cloud.count for entry in screen.shown.shown]
    return sum(round(count * screen.pace.share) for count in counts), sum(counts)


def handler_ms() -> float:
    """Processor time that the last call of the handler took of the main thread."""
    return _state.handler_ms if _state is not None else 0.0


def is_settled() -> bool:
    """Whether every viewport shows the full picture of what it looks at."""
    return _state is not None and all(_is_full(screen) for screen in _state.screens.values())


def _is_full(screen: Screen) -> bool:
    return _state is not None and _state.announced and screen.asked == (screen.key, 1, 1.0) and screen.taken == screen.ticket


def _draw() -> None:
    if _state is None or not bpy.data.pointclouds:
        return
    started = time.thread_time()  # not what the graphics driver takes to end the scene, whose depth is read
    context = bpy.context
    region: Any = context.region
    space: Any = context.space_data
    pointer = region.as_pointer()
    seen = [entry for entry in clouds.shown(context) if clouds.visible(entry, context.view_layer, space)]
    if not seen or (_state.worker is None and not can_draw()):
        if _state.screens.pop(pointer, None) is not None and _state.worker is not None:
            _state.worker.forget(pointer)
        return
    if _state.worker is None:
        _state.worker = Worker()
    screen = _state.screens.setdefault(pointer, Screen())
    view = _view(context, region, space, _state.announced)
    _take(_state.worker, pointer, screen)
    _ask(_state.worker, pointer, screen, seen, view)
    if _state.announced and screen.shown is not None:
        _composite(_state, screen, view, _frame(context, region, space))
    _state.handler_ms = 1000 * (time.thread_time() - started)


def _view(context: bpy.types.Context, region: bpy.types.Region, space: Any, announced: bool) -> View:
    # Before it is announced the nodes give ellipsoids, which would hide their own splats.
    look: Any = context.region_data
    planes = tuple(np.array(plane, np.float64) for plane in look.clip_planes) if look.use_clip_planes else ()
    lens = space.camera.data if look.view_perspective == "CAMERA" and space.camera and space.camera.type == "CAMERA" else space
    clip = (float(lens.clip_start), float(lens.clip_end))
    depth = _scene_depth(region) if announced and not _sees_through(space.shading) else None
    return view_of(np.array(look.window_matrix), np.array(look.view_matrix), region.width, region.height, clip, planes, depth)


def _sees_through(shading: Any) -> bool:
    """X-ray shows what lies behind surfaces."""
    return bool(shading.show_xray_wireframe if shading.type == "WIREFRAME" else shading.show_xray and shading.type == "SOLID")


def _scene_depth(region: bpy.types.Region) -> Array | None:
    """The depth buffer of a region, first row at the bottom; None where Blender fills none: overlays off in Material Preview, Rendered."""
    buffer: Any = gpu.state.active_framebuffer_get().read_depth(0, 0, region.width, region.height)
    depth = np.frombuffer(buffer, np.float32).reshape(region.height, region.width)
    return depth if depth.any() else None


def _ask(worker: Worker, pointer: int, screen: Screen, seen: list[Shown], view: View) -> None:
    """Ask for a picture of this view where none is on its way."""
    now = time.monotonic()
    key = (
        view.cam_from_world.tobytes(),
        view.focal_px,
        view.principal_px,
        (view.width, view.height, view.near, view.far),
        b"".join(plane.tobytes() for plane in view.clip_planes),
        tuple((entry.cloud.number, entry.world_from_object.tobytes()) for entry in seen),
    )
    if key != screen.key:
        screen.key, screen.moved_s = key, now
    step, share = (1, 1.0) if now - screen.moved_s >= SETTLE_S else (screen.pace.step, screen.pace.share)
    finer = screen.asked is not None and screen.asked[0] == key and screen.asked[1] == 1  # asked for in full since it stands
    if finer:
        step, share = 1, 1.0
    if screen.asked != (key, step, share) or not _alike(screen.depth, view.depth):
        screen.asked, screen.depth = (key, step, share), view.depth
        screen.ticket = worker.ask(pointer, Wish(tuple(seen), view, step, share))
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S)


def _alike(before: Array | None, after: Array | None) -> bool:
    if before is None or after is None:
        return before is after
    return before.shape == after.shape and np.array_equal(before, after)


def _take(worker: Worker, pointer: int, screen: Screen) -> None:
    """Bring a picture that has come to the graphics card."""
    found = worker.take(pointer)
    if found is None:
        return
    screen.taken, wish, picture = found
    height, width = picture.packed.shape[:2]
    flat = picture.packed.reshape(-1)
    data = gpu.types.Buffer("FLOAT", len(flat), flat)
    screen.texture = gpu.types.GPUTexture((width, height), format="RG32F", data=data)
    screen.corner, screen.height = (picture.left_px, picture.bottom_px), -(-wish.view.height // wish.step)
    screen.shown, screen.drawn = replace(wish, view=replace(wish.view, depth=None)), picture.drawn
    if wish.step > 1:
        screen.pace.note(wish.step, wish.share, picture.drawn, picture.seconds)


def _tick() -> float | None:
    """Redraw regions that have a new picture, or that have come to rest; forget those that are gone. None ends the timer."""
    if _state is None or _state.worker is None:
        return None
    announce()
    clouds.carry()
    regions = {
        region.as_pointer(): region
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        if area.type == "VIEW_3D"
        for region in area.regions
        if region.type == "WINDOW"
    }
    for pointer in [pointer for pointer in _state.screens if pointer not in regions]:
        del _state.screens[pointer]
        _state.worker.forget(pointer)
    ready = _state.worker.ready()
    now, waiting = time.monotonic(), False
    for pointer, screen in _state.screens.items():
        rests = now - screen.moved_s >= SETTLE_S and screen.asked is not None and screen.asked[1:] != (1, 1.0)
        if pointer in ready or rests:
            regions[pointer].tag_redraw()
        waiting = waiting or not _is_full(screen)
    return TICK_S if waiting and not _state.worker.problem else None


def announce() -> None:
    """Let the nodes leave splats to this room once it has shown that it can draw them."""
    drawn = is_drawing()
    if _state is not None:
        _state.announced = drawn
    splat_nodes.set_drawn(drawn)


def _frame(context: bpy.types.Context, region: bpy.types.Region, space: Any) -> tuple[tuple[float, ...], float]:
    """Left, bottom, right and top of the camera's frame in pixels, and how much what is outside of it is darkened."""
    whole = (0.0, 0.0, float(region.width), float(region.height))
    look: Any = context.region_data
    camera = space.camera
    if look.view_perspective != "CAMERA" or camera is None or camera.type != "CAMERA" or not space.overlay.show_overlays:
        return whole, 0.0
    if not camera.data.show_passepartout:
        return whole, 0.0
    corners = np.array([(*corner, 1.0) for corner in camera.data.view_frame(scene=context.scene)])
    pose = camera.matrix_world.normalized()
    seen = corners @ np.array(look.perspective_matrix @ pose).T
    xy = (seen[:, :2] / seen[:, 3:] * 0.5 + 0.5) * (region.width, region.height)
    return (*xy.min(0), *xy.max(0)), float(camera.data.passepartout_alpha)


def _composite(state: _State, screen: Screen, view: View, frame: tuple[tuple[float, ...], float]) -> None:
    assert screen.shown is not None
    old = old_from_new(screen.shown.view, view, float(bpy.context.region_data.view_distance))
    if old is None:
        return
    if state.shader is None:
        state.shader, state.batch = _make_shader()
    shader, (inside, dark) = state.shader, frame
    gpu.state.blend_set("ALPHA_PREMULT")
    gpu.state.depth_test_set("NONE")
    gpu.state.depth_mask_set(False)
    shader.bind()
    shader.uniform_sampler("picture", screen.texture)
    shader.uniform_float("across", (*old[0], screen.shown.step))
    shader.uniform_float("down", (*old[1], dark))
    shader.uniform_float("away", (*old[2], 0.0))
    shader.uniform_float("size", (view.width, view.height, 0.0, screen.height))
    shader.uniform_float("corner_px", (*screen.corner, 0.0, 0.0))
    shader.uniform_float("inside", inside)
    state.batch.draw(shader)
    gpu.state.depth_mask_set(True)
    gpu.state.blend_set("NONE")


def old_from_new(old: View, new: View, distance: float) -> Array | None:
    """Homography [3,3] from the new view's pixels to the old one's, for a plane at the view's pivot; None where they differ too much."""
    if old.cam_from_world[2, :3] @ new.cam_from_world[2, :3] < LEAST_ALIKE or (old.depth_shift == 0) != (new.depth_shift == 0):
        return None
    motion = new.cam_from_world @ np.linalg.inv(old.cam_from_world)
    plane = motion[:3, :3] + np.outer(motion[:3, 3], (0, 0, 1)) / (distance + old.depth_shift)
    forward = _intrinsics(new) @ plane @ np.linalg.inv(_intrinsics(old))
    return np.linalg.inv(forward) if abs(np.linalg.det(forward)) > 1e-9 else None


def _intrinsics(view: View) -> Array:
    (fx, fy), (cx, cy) = view.focal_px, view.principal_px
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


VERTEX = """
void main()
{
  place = corner * 0.5 + 0.5;
  gl_Position = vec4(corner, 0.0, 1.0);
}
"""

FRAGMENT = """
vec4 unpacked(ivec2 at, ivec2 limit)
{
  if (any(lessThan(at, ivec2(0))) || any(greaterThanEqual(at, limit))) {
    return vec4(0.0);
  }
  vec2 two = texelFetch(picture, at, 0).rg;
  vec2 high = floor(two / 4096.0);
  vec2 low = two - high * 4096.0;
  return vec4(high.x, low.x, high.y, low.y) / 4095.0;
}

void main()
{
  vec2 pixel = place * size.xy;
  vec3 from_top = vec3(pixel.x, size.y - pixel.y, 1.0);
  float along = dot(away.xyz, from_top);
  if (along <= 0.0) {
    discard;
  }
  vec2 old = vec2(dot(across.xyz, from_top), dot(down.xyz, from_top)) / along;
  ivec2 limit = textureSize(picture, 0);
  vec2 at = vec2(old.x / across.w, size.w - old.y / across.w) - corner_px.xy - 0.5;
  ivec2 first = ivec2(floor(at));
  vec2 share = at - vec2(first);
  vec4 below = mix(unpacked(first, limit), unpacked(first + ivec2(1, 0), limit), share.x);
  vec4 above = mix(unpacked(first + ivec2(0, 1), limit), unpacked(first + ivec2(1, 1), limit), share.x);
  vec4 color = mix(below, above, share.y);
  if (color.a < 0.5 / 255.0) {
    discard;
  }
  vec3 straight = clamp(color.rgb / color.a, 0.0, 1.0);
  bool outside = any(lessThan(pixel, inside.xy)) || any(greaterThan(pixel, inside.zw));
  vec3 light = pow(straight, vec3(2.2)) * color.a * (outside ? 1.0 - down.w : 1.0);
  result = vec4(light, color.a);
}
"""


def _make_shader() -> tuple[Any, Any]:
    info = gpu.types.GPUShaderCreateInfo()
    between = gpu.types.GPUStageInterfaceInfo("reify_splats")
    between.smooth("VEC2", "place")
    info.vertex_in(0, "VEC2", "corner")
    info.vertex_out(between)
    info.sampler(0, "FLOAT_2D", "picture")
    for name in ("across", "down", "away", "size", "corner_px", "inside"):
        info.push_constant("VEC4", name)
    info.fragment_out(0, "VEC4", "result")
    info.vertex_source(VERTEX)
    info.fragment_source(FRAGMENT)
    shader = gpu.shader.create_from_info(info)
    return shader, batch_for_shader(shader, "TRI_STRIP", {"corner": ((-1, -1), (1, -1), (-1, 1), (1, 1))})
