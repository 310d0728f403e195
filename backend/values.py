"""The values that stages hand to each other: frozen, small, documented.

Letters for dimensions, the same in the whole repository: N splats, points or photos, C cameras, K SH
bases, H and W pixels, V vertices, F faces. Names read target_from_source, as in COLMAP: x_cam = cam_from_world @ x_world.
Camera axes are OpenCV's (x right, y down, z forward); the center of the first pixel is at (0.5, 0.5).
The world is Blender's: right-handed, Z up. Colors are sRGB unless a name says `linear`.
Positions are float32. Where a source's are too large for that, as in UTM, `offset` [3] float64 was taken off first (formats/offset.py):
x_source = x + offset for Given, and x_world = world_from_source @ (x_source - offset) for Capture. Reports say so, exports add it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SH_C0 = 0.28209479177387814  # 1 / (2 sqrt(pi)): color = 0.5 + SH_C0 * sh[:, 0]


@dataclass(frozen=True, eq=False)
class Cameras:
    """Calibrated cameras: where they stand, how they project, what size their pictures are."""

    cam_from_world: Array  # [C,4,4] float64, rigid, OpenCV axes
    K: Array  # [C,3,3] float64, pixels
    size_px: Array  # [C,2] int, width and height
    distortion: Array  # [C,8] float64: k1 k2 p1 p2 k3 k4 k5 k6 as in OpenCV; fisheye: k1 k2 k3 k4 0 0 0 0
    fisheye: bool = False  # equidistant projection (OPENCV_FISHEYE) instead of perspective

    def __post_init__(self) -> None:
        count = len(self.cam_from_world)
        expected = {"cam_from_world": (count, 4, 4), "K": (count, 3, 3), "size_px": (count, 2), "distortion": (count, 8)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"Cameras.{name} is {getattr(self, name).shape}, expected {shape}")

    def __len__(self) -> int:
        return len(self.cam_from_world)

    def take(self, indices: Sequence[int] | Array) -> Cameras:
        """The cameras at `indices`, in that order."""
        index = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            cam_from_world=self.cam_from_world[index],
            K=self.K[index],
            size_px=self.size_px[index],
            distortion=self.distortion[index],
        )

    @property
    def centers(self) -> Array:
        """Projection centers in the world, [C,3]."""
        rotation, translation = self.cam_from_world[:, :3, :3], self.cam_from_world[:, :3, 3]
        return -np.einsum("cji,cj->ci", rotation, translation)

    @property
    def forward(self) -> Array:
        """Unit viewing directions in the world, [C,3]."""
        return self.cam_from_world[:, 2, :3].copy()

    @property
    def is_pinhole(self) -> bool:
        """True where no lens distortion is left."""
        return not self.fisheye and not np.any(self.distortion)


@dataclass(frozen=True, eq=False)
class Points:
    """A point cloud."""

    xyz: Array  # [N,3] float32
    rgb: Array | None = None  # [N,3] uint8, sRGB
    normals: Array | None = None  # [N,3] float32, unit

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True)
class Photos:
    """What the user hands in: folders, picture files, videos, COLMAP models, transforms.json files."""

    sources: tuple[Path, ...]
    name: str = ""  # of the capture; made from the first source where it is empty


@dataclass(frozen=True)
class Pictures:
    """What the user hands in for one object: one picture, or the drawn views of a turnaround (front, side, top)."""

    sources: tuple[Path, ...]
    name: str = ""  # of the object; made from the first source where it is empty


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture with its subject cut out."""

    name: str
    srgb: Array  # [H,W,3] uint8, straight (not premultiplied), first row on top
    coverage: Array  # [H,W] float32, share of each pixel that the subject covers, 0 to 1
    parts: Array | None = None  # [H,W] int32, shapes that the file tells apart from 0, -1 outside of them; None where it has only pixels
    view: str = "front"  # the side that it shows: "front", "side", "top" or "back"

    def __post_init__(self) -> None:
        if self.srgb.ndim != 3 or self.srgb.shape[2] != 3 or self.coverage.shape != self.srgb.shape[:2]:
            raise ValueError(f"Picture.srgb is {self.srgb.shape} and coverage {self.coverage.shape}, expected (H, W, 3) and (H, W)")


@dataclass(frozen=True)
class Photo:
    """One picture of a capture, as it appears upright (EXIF orientation obeyed)."""

    path: Path
    name: str  # unique in the capture, shown to the user; relative to the source
    width: int  # pixels, after EXIF orientation
    height: int
    focal_px: float | None = None  # prior from EXIF, None where unknown
    device: str = ""  # photos with the same non-empty device and size share intrinsics
    has_alpha: bool = False  # transparent pixels are empty space
    mask: Path | None = None  # a picture: black is not the subject, or to be ignored (`mask_is_subject`)
    mask_is_subject: bool = True  # True: what is black is empty space; False: what is black is unknown
    mask_is_inverted: bool = False  # what isn't black is meant instead
    mask_move: tuple[float, float, float] = (0.0, 0.0, 0.0)  # pixels by which the mask's outline grows, and shifts right and down
    frame: int | None = None  # number of the video frame or of a numbered file, None where unordered
    rig: str = ""  # photos of the same non-empty rig and `shot` were taken at once, from one place, with known turns between them
    shot: str = ""
    cam_from_rig: tuple[float, ...] | None = None  # quaternion w x y z of that turn


@dataclass(frozen=True, eq=False)
class Capture:
    """Photos of one subject, with their cameras once these are known (then camera i belongs to photo i)."""

    name: str
    photos: tuple[Photo, ...]
    cameras: Cameras | None = None
    points: Points | None = None  # sparse points of structure from motion
    test: tuple[int, ...] = ()  # indices of the photos that are held out of training and texturing
    metric: bool = False  # the world's unit is the meter
    ordered: bool = False  # frames of a video or numbered files
    warnings: tuple[str, ...] = ()
    unregistered: Mapping[str, str] = field(default_factory=dict)  # photo name -> why it has no camera
    world_from_source: Array | None = None  # [4,4] similarity from the world that the cameras came in, None where it is that one
    offset: Array | None = None  # [3] float64, was taken off the source's positions before that; None where these are small

    @property
    def train(self) -> tuple[int, ...]:
        """Indices of the photos that are trained on."""
        held_out = set(self.test)
        return tuple(i for i in range(len(self.photos)) if i not in held_out)


@dataclass(frozen=True, eq=False)
class Views:
    """Undistorted pictures with pinhole cameras, ready to be compared with renderings.

    `rgb`, `alpha` and `weight` may load lazily: index them once for each use. `rgb` is straight, not premultiplied.
    """

    rgb: Sequence[Array]  # C times [H,W,3] uint8, sRGB
    alpha: Sequence[Array | None]  # C times [H,W] uint8, 0 is empty space; None is all opaque
    weight: Sequence[Array | None]  # C times [H,W] uint8, 0 is unknown and not compared; None is all known
    cameras: Cameras  # pinhole, sizes as in `rgb`
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.cameras)

    def take(self, indices: Sequence[int]) -> Views:
        """The views at `indices`, in that order; what loads lazily still does."""
        rgb, alpha, weight = (_Taken(planes, indices) for planes in (self.rgb, self.alpha, self.weight))
        return Views(rgb, alpha, weight, self.cameras.take(indices), tuple(self.names[i] for i in indices) if self.names else ())


class _Taken(Sequence[Any]):
    """Some of a sequence's items, which are asked for when they are looked at."""

    def __init__(self, items: Sequence[Any], indices: Sequence[int]) -> None:
        self._items, self._indices = items, tuple(indices)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        return [self._items[i] for i in self._indices[index]] if isinstance(index, slice) else self._items[self._indices[index]]


@dataclass(frozen=True, eq=False)
class Splats:
    """3D Gaussians with view-dependent color, parameterised as in the 3DGS PLY format."""

    means: Array  # [N,3] float32
    quats: Array  # [N,4] float32, w x y z, unit
    log_scales: Array  # [N,3] float32, natural logarithm of the standard deviations
    opacity_logits: Array  # [N] float32
    sh: Array  # [N,K,3] float32, K = (degree + 1)^2, real SH in the 3DGS order; color = 0.5 + sum
    antialiased: bool = False  # trained with the 2D filter compensated (Mip-Splatting's opacity correction)
    surfels: bool = False  # 2D Gaussians: the third scale is a thickness of zero

    def __post_init__(self) -> None:
        n = len(self.means)
        expected = {"means": (n, 3), "quats": (n, 4), "log_scales": (n, 3), "opacity_logits": (n,)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"Splats.{name} is {getattr(self, name).shape}, expected {shape}")
        if self.sh.ndim != 3 or self.sh.shape[0] != n or self.sh.shape[1] not in (1, 4, 9, 16, 25) or self.sh.shape[2] != 3:
            raise ValueError(f"Splats.sh is {self.sh.shape}, expected ({n}, 1 | 4 | 9 | 16 | 25, 3)")

    def __len__(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        """Highest SH degree stored, 0 to 4."""
        return int(round(self.sh.shape[1] ** 0.5)) - 1

    def take(self, indices: Array) -> Splats:
        """The splats at `indices` (integers or a mask)."""
        return replace(
            self,
            means=self.means[indices],
            quats=self.quats[indices],
            log_scales=self.log_scales[indices],
            opacity_logits=self.opacity_logits[indices],
            sh=self.sh[indices],
        )


@dataclass(frozen=True, eq=False)
class Rendering:
    """What the rasterizer returns for one camera; depth and normal are None where they were not asked for."""

    rgb: Array  # [H,W,3] float32, sRGB, composited over the background
    alpha: Array  # [H,W] float32, 0 to 1
    depth: Array | None = None  # [H,W] float32, world units along the viewing axis; 0 where nothing was hit
    normal: Array | None = None  # [H,W,3] float32, world space, unit or zero
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles, with what is needed to look right: UVs and named texture images, or vertex colors."""

    vertices: Array  # [V,3] float32
    faces: Array  # [F,3] int32, counter-clockwise from outside
    uvs: Array | None = None  # [F,3,2] float32, one per corner, (0,0) bottom left as in Blender
    vertex_srgb: Array | None = None  # [V,3] float32, 0 to 1
    textures: Mapping[str, Array] = field(default_factory=dict)  # "base_color", "normal", "coverage": [H,W,3 or 4] uint8, first row on top
    creases: Array | None = None  # [E,2] int32, edges that subdivision leaves where they are: a silhouette
    quads: int = 0  # faces[0 : 2 * quads] are pairs of triangles (a, b, c), (a, c, d) that make a quad (a, b, c, d) each

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3:
            raise ValueError(f"Mesh.vertices is {self.vertices.shape}, expected (V, 3)")
        if self.faces.ndim != 2 or self.faces.shape[1] != 3:
            raise ValueError(f"Mesh.faces is {self.faces.shape}, expected (F, 3)")
        if self.uvs is not None and self.uvs.shape != (len(self.faces), 3, 2):
            raise ValueError(f"Mesh.uvs is {self.uvs.shape}, expected ({len(self.faces)}, 3, 2)")
        if self.vertex_srgb is not None and self.vertex_srgb.shape != self.vertices.shape:
            raise ValueError(f"Mesh.vertex_srgb is {self.vertex_srgb.shape}, expected {self.vertices.shape}")
        if self.quads:
            first, second = self.faces[0 : 2 * self.quads : 2], self.faces[1 : 2 * self.quads : 2]
            if len(second) != self.quads or (first[:, [0, 2]] != second[:, [0, 1]]).any():
                raise ValueError(f"Mesh.quads is {self.quads}, but the first {2 * self.quads} faces aren't pairs (a, b, c), (a, c, d)")


@dataclass(frozen=True)
class Sentence:
    """What the user writes; the words themselves are a setting, so that presets, job files and provenance have them."""

    sources: tuple[Path, ...] = ()  # always empty
    name: str = ""  # of the scene; made from the sentence where it is empty


@dataclass(frozen=True)
class Material:
    """What a face is made of: a template that scene/ has a procedural node material for, and its color."""

    template: str  # "wood", "metal", "glass", "stone" …
    srgb: tuple[int, int, int]
    part: str = ""  # which part of the thing it is on: "roof", "legs"
    traits: tuple[str, ...] = ()  # "old", "glowing" …
    accent: tuple[int, int, int] | None = None  # a second color, for stripes


@dataclass(frozen=True, eq=False)
class Part:
    """A thing of a scene, once or several times."""

    name: str  # unique in its scene
    noun: str
    mesh: Mesh  # in its own space: standing on z = 0, facing -Y, meters
    material_of_face: Array  # [F] int32
    materials: tuple[Material, ...]
    world_from_part: Array  # [I,4,4] float64, a rigid motion with uniform scale for each instance
    parent: str = ""  # name of the part that carries it
    style: str = ""  # of this part alone
    source: str = ""  # where its shape is from, for credits
    author: str = ""
    license: str = ""


@dataclass(frozen=True, eq=False)
class Scene:
    """Named parts with transforms: what a sentence becomes."""

    parts: tuple[Part, ...]
    style: str = ""
    outline: tuple[str, ...] = ()  # what was understood, a line each
    claims: Mapping[str, bool] = field(default_factory=dict)  # what the sentence says, and whether the scene has it so
    reading: str = ""  # what was understood and made, as JSON


@dataclass(frozen=True, eq=False)
class Given:
    """One thing that exists already and is to become another: read from a file, or from an object in the scene."""

    value: Splats | Points | Mesh
    name: str  # of the result
    sources: tuple[Path, ...] = ()  # the file it was read from, if it was
    cameras: Cameras | None = None  # that it was made with, where they are known; in the same world
    offset: Array | None = None  # [3] float64, was taken off the source's positions; None where these are small
    warnings: tuple[str, ...] = ()  # what was left out in reading, one sentence each

    @property
    def source_from_world(self) -> Array | None:
        """The translation [4,4] float64 back to the file's large coordinates; None where these were small."""
        return None if self.offset is None else _translation(self.offset)


@dataclass(frozen=True)
class Report:
    """What a job did: the figures that the panel shows and that are stored on every object it made."""

    method: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)  # flat: "training.steps" -> value
    seed: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)  # file -> sha256
    seconds: Mapping[str, float] = field(default_factory=dict)  # stage title -> seconds
    cached: tuple[str, ...] = ()  # titles of the stages that were taken from the cache
    metrics: Mapping[str, float] = field(default_factory=dict)  # "psnr", "ssim", "splats", "faces" …
    warnings: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)  # what was chosen and why, e.g. "device" -> "CPU, 2 threads"
    versions: Mapping[str, str] = field(default_factory=dict)
    licenses: Mapping[str, str] = field(default_factory=dict)  # of pretrained weights used
    weights: Mapping[str, str] = field(default_factory=dict)  # file of pretrained weights used, "isnet/weights.safetensors" -> sha256


@dataclass(frozen=True, eq=False)
class Result:
    """What a method gives back: any of these, plus the report."""

    name: str
    report: Report
    splats: Splats | None = None
    mesh: Mesh | None = None
    points: Points | None = None
    capture: Capture | None = None
    scene: Scene | None = None
    lods: tuple[Mesh, ...] = ()  # ever coarser versions of the mesh
    offset: Array | None = None  # [3] float64, that was taken off the source's positions; None where these are small

    @property
    def source_from_world(self) -> Array | None:
        """The similarity [4,4] float64 back to the source's large coordinates; None where these were small: exports stay in this world."""
        if self.offset is None:
            return None
        turned = None if self.capture is None else self.capture.world_from_source
        return _translation(self.offset) @ (np.eye(4) if turned is None else np.linalg.inv(turned))


def _translation(offset: Array) -> Array:
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix
