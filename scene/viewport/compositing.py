"""A finished picture of splats over a 3D viewport, moved to where the view is by now.

Colors: splats blend among themselves as in training, in sRGB, and their sum lies over the scene in linear light, untouched by the view
transform. Blender shows what overlays draw by a gamma of 2.2, which is undone here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ...backend.splats.view import View
from ...backend.values import Array

LEAST_ALIKE = 0.8  # cosine between an old picture's direction and the view's: beyond, it is of no use


@dataclass(frozen=True, eq=False)
class Layer:
    """A picture of splats, premultiplied sRGB and alpha."""

    texture: Any
    packed: bool  # 12 bits a channel, two in a float, as `scene_blending.blend` writes; else four channels
    view: View  # that it shows
    step: int  # pixels of the view that one of the picture stands for
    corner_px: tuple[int, int]  # pixels of the picture left of the texture and below it
    height: int  # of the picture, in its own pixels


class Compositor:
    """The shaders that lay pictures over the scene, made when they are first needed."""

    def __init__(self) -> None:
        self._shaders: dict[bool, tuple[Any, Any]] = {}

    def draw(self, layer: Layer, view: View, distance: float, frame: tuple[tuple[float, ...], float]) -> None:
        """Draw a picture into the region that looks through `view`, whose pivot is `distance` away.

        `frame` is what `camera_frame` returns.
        """
        old = old_from_new(layer.view, view, distance)
        if old is None:
            return
        if layer.packed not in self._shaders:
            self._shaders[layer.packed] = _make_shader(layer.packed)
        (shader, batch), (inside, dark) = self._shaders[layer.packed], frame
        gpu.state.blend_set("ALPHA_PREMULT")
        gpu.state.depth_test_set("NONE")
        gpu.state.depth_mask_set(False)
        shader.bind()
        shader.uniform_sampler("picture", layer.texture)
        shader.uniform_float("across", (*old[0], layer.step))
        shader.uniform_float("down", (*old[1], dark))
        shader.uniform_float("away", (*old[2], 0.0))
        shader.uniform_float("size", (view.width, view.height, 0.0, layer.height))
        shader.uniform_float("corner_px", (*layer.corner_px, 0.0, 0.0))
        shader.uniform_float("inside", inside)
        batch.draw(shader)
        gpu.state.depth_mask_set(True)
        gpu.state.blend_set("NONE")


def camera_frame(context: bpy.types.Context, region: bpy.types.Region, space: Any) -> tuple[tuple[float, ...], float]:
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

FOUR = {
    True: """
vec4 four_of(vec2 two)
{
  vec2 high = floor(two / 4096.0);
  vec2 low = two - high * 4096.0;
  return vec4(high.x, low.x, high.y, low.y) / 4095.0;
}
#define FOUR(texel) four_of((texel).rg)
""",
    False: "#define FOUR(texel) (texel)",
}

FRAGMENT = """
vec4 color_at(ivec2 at, ivec2 limit)
{
  if (any(lessThan(at, ivec2(0))) || any(greaterThanEqual(at, limit))) {
    return vec4(0.0);
  }
  return FOUR(texelFetch(picture, at, 0));
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
  vec4 below = mix(color_at(first, limit), color_at(first + ivec2(1, 0), limit), share.x);
  vec4 above = mix(color_at(first + ivec2(0, 1), limit), color_at(first + ivec2(1, 1), limit), share.x);
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


def _make_shader(packed: bool) -> tuple[Any, Any]:
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
    info.fragment_source(FOUR[packed] + FRAGMENT)
    shader = gpu.shader.create_from_info(info)
    return shader, batch_for_shader(shader, "TRI_STRIP", {"corner": ((-1, -1), (1, -1), (-1, 1), (1, 1))})
