"""A camera that goes around splats, rendered by Cycles and by the rasterizer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from reify.backend.values import Cameras, Splats

FRAMES = 24
DISTANCE = 3.6
SHOWN = 0.05  # opacity of pixels that are compared


class Turntable:
    """Splats about the origin, and a camera on a circle around them; `size_px` is width and height."""

    def __init__(self, scene: Any, splats: Splats, size_px: tuple[int, int], samples: int = 4) -> None:
        import bpy
        from reify.scene.commit import prepare_cycles
        from reify.scene.splats import splats_object

        self.scene, self.splats, self.size_px = scene, splats, size_px
        self.made = splats_object("S", splats)
        scene.collection.objects.link(self.made)
        data = bpy.data.cameras.new("Camera")
        data.lens, data.sensor_width, data.sensor_fit = 36.0, 36.0, "HORIZONTAL"
        scene.camera = bpy.data.objects.new("Camera", data)
        scene.collection.objects.link(scene.camera)
        axis = bpy.data.objects.new("Axis", None)
        scene.collection.objects.link(axis)
        scene.camera.parent = axis
        scene.camera.location = (0.0, -DISTANCE, 0.5)
        scene.camera.rotation_euler = (np.pi / 2 - 0.138, 0.0, 0.0)
        for frame, turn in ((1, 0.0), (FRAMES + 1, 2 * np.pi)):
            axis.rotation_euler.z = turn
            axis.keyframe_insert("rotation_euler", frame=frame)
        scene.render.engine = "CYCLES"
        scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = samples, False, False
        scene.render.resolution_x, scene.render.resolution_y = size_px
        scene.render.dither_intensity = 0.0
        scene.view_settings.view_transform = "Standard"
        prepare_cycles(scene)

    def rendered(self, frame: int) -> np.ndarray:
        """Cycles' picture [H,W,3], sRGB."""
        import bpy

        width, height = self.size_px
        self.scene.frame_set(frame)
        with tempfile.TemporaryDirectory() as folder:
            self.scene.render.filepath = str(Path(folder) / "render.png")
            bpy.ops.render.render(write_still=True)
            image = bpy.data.images.load(self.scene.render.filepath)
            flat = np.empty(width * height * 4, np.float32)
            image.pixels.foreach_get(flat)
            bpy.data.images.remove(image)
        return flat.reshape(height, width, 4)[::-1, :, :3]

    def rasterized(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """The rasterizer's picture [H,W,3] and opacity [H,W]."""
        from reify.backend.splats.render import rasterize
        from reify.scene.cameras import FLIP

        width, height = self.size_px
        self.scene.frame_set(frame)
        K = np.array([[[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]]], float)
        pose = np.linalg.inv(np.array(self.scene.camera.matrix_world, np.float64) @ FLIP)
        seen = rasterize(self.splats, Cameras(pose[None], K, np.array([[width, height]]), np.zeros((1, 8))), 0, geometry=False)
        return np.clip(seen.rgb, 0, 1), seen.alpha

    def psnr(self, frame: int) -> float:
        """How close both are, in dB, where there are splats."""
        ours, alpha = self.rasterized(frame)
        error = ((self.rendered(frame) - ours) ** 2)[alpha > SHOWN]
        return float(-10 * np.log10(error.mean()))
