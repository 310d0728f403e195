"""One small scene as each program writes it down: what the reader is tried with, and what docs/inputs.md is made from.

The scene is a ball on a floor, which eight cameras see from around it, each from another height and none level. Every writer here follows
its program's own conventions, from the cameras as they stand in a Z-up world.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from reify.backend.formats.colmap import write_colmap
from reify.backend.formats.points_ply import write_points_ply
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.formats.transforms import write_transforms
from reify.backend.geometry import quaternions
from reify.backend.values import Cameras, Points

COUNT, WIDTH, HEIGHT = 8, 96, 72
FX, FY, CX, CY = 90.0, 90.0, 47.0, 37.0
BALL, RADIUS = np.array([0.1, -0.05, 0.5]), 0.5
Y_UP_FROM_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # ARKit's world


@dataclass(frozen=True)
class Layout:
    """How a program lays out a capture."""

    name: str  # for the docs
    write: Callable[[Path], None]
    source: str = ""  # what is chosen, below the folder
    upright: bool = True  # the program's world has a fixed up


def world_from_cam() -> np.ndarray:
    """The cameras' poses [8,4,4] with OpenCV axes."""
    poses = []
    for number in range(COUNT):
        angle = 2 * np.pi * number / COUNT + 0.2
        center = np.array([2.4 * np.cos(angle), 2.0 * np.sin(angle), 0.8 + 0.25 * np.sin(2 * angle)])
        forward = BALL + [0.05, 0.1, -0.1] - center
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.06 * np.sin(3 * angle), 0.04, 1.0])
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = np.column_stack([right, np.cross(forward, right), forward]), center
        poses.append(pose)
    return np.array(poses)


def cameras() -> Cameras:
    """The cameras that see the scene."""
    return Cameras(
        np.linalg.inv(world_from_cam()),
        np.array([pinhole_matrix(FX, FY, CX, CY)] * COUNT),
        np.array([[WIDTH, HEIGHT]] * COUNT),
        np.zeros((COUNT, 8)),
    )


def see(pose: np.ndarray, focal: tuple[float, float] = (FX, FY), center: tuple[float, float] = (CX, CY)) -> tuple[np.ndarray, np.ndarray]:
    """What a camera sees: colors [H,W,3] uint8 and depth along its axis [H,W] float32, 0 for the sky."""
    x, y = (np.arange(WIDTH) + 0.5 - center[0]) / focal[0], (np.arange(HEIGHT) + 0.5 - center[1]) / focal[1]
    rays = np.dstack([*np.meshgrid(x, y), np.ones((HEIGHT, WIDTH))]) @ pose[:3, :3].T
    origin = pose[:3, 3]
    a, b, c = (rays**2).sum(-1), rays @ (origin - BALL), ((origin - BALL) ** 2).sum() - RADIUS**2
    under = b * b - a * c
    ball = np.where(under > 0, (-b - np.sqrt(np.maximum(under, 0))) / a, np.inf)
    floor = np.where(rays[..., 2] < -1e-6, -origin[2] / np.minimum(rays[..., 2], -1e-6), np.inf)
    floor[floor > 8] = np.inf
    depth = np.minimum(ball, floor)
    hit = np.isfinite(depth)
    xyz = origin + rays * np.where(hit, depth, 0)[..., None]
    rgb = np.full((HEIGHT, WIDTH, 3), (150, 190, 240), np.uint8)
    checks = ((np.floor(xyz[..., 0] * 3) + np.floor(xyz[..., 1] * 3)) % 2)[..., None]
    rgb[hit] = (90 + 120 * checks + 20 * xyz).clip(0, 255).astype(np.uint8)[hit]
    on_ball = hit & (ball <= floor)
    rgb[on_ball] = (128 + 240 * (xyz - BALL)).clip(0, 255).astype(np.uint8)[on_ball]
    return rgb, np.where(hit, depth, 0).astype(np.float32)


def ball_mask(pose: np.ndarray) -> np.ndarray:
    """[H,W] uint8, white where the ball is in the picture."""
    rays = np.linalg.inv(pose)
    center = (rays @ [*BALL, 1.0])[:3]
    x, y = np.meshgrid((np.arange(WIDTH) + 0.5 - CX) / FX, (np.arange(HEIGHT) + 0.5 - CY) / FY)
    return np.where(np.hypot(x - center[0] / center[2], y - center[1] / center[2]) < RADIUS / center[2], 255, 0).astype(np.uint8)


def save(path: Path, pixels: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def pictures(folder: Path, name: str = "{}.png", first: int = 0) -> list[str]:
    """Write the pictures of all cameras; their names."""
    names = [name.format(number + first) for number in range(COUNT)]
    for path, pose in zip(names, world_from_cam(), strict=True):
        save(folder / path, see(pose)[0])
    return names


def millimeters(depth: np.ndarray, unit: float = 0.001) -> np.ndarray:
    return np.rint(depth / unit).clip(0, 65535).astype(np.uint16)


def sparse_points(count: int = 300) -> Points:
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(count, 3))
    xyz = BALL + RADIUS * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return Points(xyz.astype(np.float32), (128 + 240 * (xyz - BALL)).clip(0, 255).astype(np.uint8))


def opengl(pose: np.ndarray) -> np.ndarray:
    """Camera axes x right, y up, looking along -z."""
    return pose @ np.diag([1.0, -1.0, -1.0, 1.0])


def xyzw(rotation: np.ndarray) -> list[float]:
    w, x, y, z = quaternions.from_matrices(rotation[None])[0].tolist()
    return [x, y, z, w]


def video(path: Path, frames: list[np.ndarray]) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode())


def plain(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Phone", "Two"
    exif.get_ifd(0x8769)[0xA405] = round(43.27 * FX / np.hypot(WIDTH, HEIGHT))
    for number, pose in enumerate(world_from_cam()):
        save(folder / f"IMG_{number + 1}.jpg", see(pose)[0], quality=95, exif=exif)


def masked(folder: Path) -> None:
    plain(folder / "images")
    for number, pose in enumerate(world_from_cam()):
        save(folder / f"masks/IMG_{number + 1}.png", ball_mask(pose))


def realityscan_masks(folder: Path) -> None:
    plain(folder)
    for number, pose in enumerate(world_from_cam()):
        save(folder / f"IMG_{number + 1}.jpg.mask.png", ball_mask(pose))


def transparent(folder: Path) -> None:
    for number, pose in enumerate(world_from_cam()):
        save(folder / f"IMG_{number + 1}.png", np.dstack([see(pose)[0], ball_mask(pose)]))


def film(folder: Path) -> None:
    folder.mkdir(parents=True)
    video(folder / "walk.mp4", [see(pose)[0] for pose in np.repeat(world_from_cam(), 4, axis=0)])


def live_photos(folder: Path) -> None:
    plain(folder)
    for number, pose in enumerate(world_from_cam()):
        video(folder / f"IMG_{number + 1}.MOV", [see(pose)[0]] * 3)


def panoramas(folder: Path) -> None:
    xmp = "".join(f' GPano:{name}="{value}"' for name, value in {
        "ProjectionType": "equirectangular", "FullPanoWidthPixels": 256, "FullPanoHeightPixels": 128, "CroppedAreaLeftPixels": 0,
        "CroppedAreaTopPixels": 0,
    }.items())  # fmt: skip
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 255, (128, 256, 3), dtype=np.uint8)
        save(folder / f"R00{number}.jpg", noise, xmp=f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf{xmp}/></x:xmpmeta>".encode())


def colmap(folder: Path, text: bool = False, place: str = "sparse/0", images: str = "images") -> None:
    names = pictures(folder / images)
    write_colmap(cameras(), names, folder / place, sparse_points(), text=text)


def gaussian_splatting(folder: Path) -> None:
    colmap(folder, place="distorted/sparse/0", images="input")


def nerfstudio(folder: Path) -> None:
    names = pictures(folder, "images/frame_{:05d}.png", first=1)
    write_transforms(cameras(), names, folder / "transforms.json", points=sparse_points())
    document = json.loads((folder / "transforms.json").read_text())
    for frame, pose in zip(document["frames"], world_from_cam(), strict=True):
        name = frame["file_path"].removeprefix("images/")
        frame |= {"mask_path": f"masks/{name}", "depth_file_path": f"depth/{name}"}
        save(folder / frame["mask_path"], ball_mask(pose))
        save(folder / frame["depth_file_path"], millimeters(see(pose)[1]))
    (folder / "transforms.json").write_text(json.dumps(document))


def nerf_synthetic(folder: Path) -> None:
    poses = world_from_cam()
    for split, numbers in (("train", range(6)), ("test", range(6, 8))):
        frames = []
        for number in numbers:
            rgb, _ = see(poses[number], (FX, FX), (WIDTH / 2, HEIGHT / 2))
            save(folder / split / f"r_{number}.png", np.dstack([rgb, ball_mask(poses[number])]))
            frames.append({"file_path": f"./{split}/r_{number}", "transform_matrix": opengl(poses[number]).tolist()})
        document = {"camera_angle_x": 2 * np.arctan(WIDTH / (2 * FX)), "frames": frames}
        (folder / f"transforms_{split}.json").write_text(json.dumps(document))


def instant_ngp(folder: Path) -> None:
    names = pictures(folder, "images/{:04d}.png")
    write_transforms(cameras(), [f"./{name}" for name in names], folder / "transforms.json")
    for number, pose in enumerate(world_from_cam()):
        save(folder / f"images/dynamic_mask_{number:04d}.png", 255 - ball_mask(pose))


def exported_zip(folder: Path) -> None:
    """Luma, Polycam and Kiri: a zip that makes a folder of its own."""
    names = pictures(folder / "scan", "images/{:03d}.png")
    write_transforms(cameras(), names, folder / "scan/transforms.json")
    save(folder / "scan/thumbnail.jpg", see(world_from_cam()[0])[0])


def nerfcapture(folder: Path) -> None:
    frames, unit = [], 10 / 65535
    for number, pose in enumerate(world_from_cam()):
        rgb, depth = see(pose)
        save(folder / f"images/{number}.png", rgb)
        save(folder / f"images/{number}.depth.png", millimeters(depth, unit))
        lens = {"fl_x": FX, "fl_y": FY, "cx": CX, "cy": CY, "w": WIDTH, "h": HEIGHT}
        paths = {"file_path": f"images/{number}", "depth_path": f"images/{number}.depth.png"}
        frames.append({**paths, **lens, "transform_matrix": opengl(pose).tolist()})
    (folder / "transforms.json").write_text(json.dumps({"integer_depth_scale": unit, "frames": frames}))


def polycam(folder: Path) -> None:
    save(folder / "thumbnail.jpg", see(world_from_cam()[0])[0])
    (folder / "mesh_info.json").write_text("{}")
    for number, pose in enumerate(world_from_cam()):
        rgb, depth = see(pose)
        pose = opengl(Y_UP_FROM_Z_UP @ pose)
        says = {f"t_{row}{column}": pose[row, column] for row in range(3) for column in range(4)}
        says |= {"fx": FX, "fy": FY, "cx": CX, "cy": CY, "width": WIDTH, "height": HEIGHT, "blur_score": 40.0}
        for kind in ("corrected_", ""):
            place = folder / f"keyframes/{kind}cameras/{1000 + number}.json"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(says))
            save(folder / f"keyframes/{kind}images/{1000 + number}.jpg", rgb, quality=95)
        save(folder / f"keyframes/depth/{1000 + number}.png", millimeters(depth))
        save(folder / f"keyframes/confidence/{1000 + number}.png", np.full((HEIGHT, WIDTH), 255, np.uint8))


def record3d(folder: Path) -> None:
    import OpenEXR

    poses = []
    for number, pose in enumerate(world_from_cam()):
        rgb, depth = see(pose)
        save(folder / f"EXR_RGBD/rgb/{number}.jpg", rgb, quality=95)
        (folder / "EXR_RGBD/depth").mkdir(parents=True, exist_ok=True)
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"Z": depth}).write(str(folder / f"EXR_RGBD/depth/{number}.exr"))
        pose = opengl(Y_UP_FROM_Z_UP @ pose)
        poses.append([*xyzw(pose[:3, :3]), *pose[:3, 3].tolist()])
    K = pinhole_matrix(FX, FY, CX, CY).T.ravel().tolist()  # column after column
    (folder / "EXR_RGBD/metadata.json").write_text(json.dumps({"w": WIDTH, "h": HEIGHT, "K": K, "fps": 30, "poses": poses}))


def stray_scanner(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows = ["timestamp, frame, x, y, z, qx, qy, qz, qw"]
    frames = []
    for number, pose in enumerate(np.repeat(world_from_cam(), 3, axis=0)):
        rgb, depth = see(pose)
        frames.append(rgb)
        save(folder / f"depth/{number:06d}.png", millimeters(depth))
        save(folder / f"confidence/{number:06d}.png", np.full((HEIGHT, WIDTH), 2, np.uint8))
        pose = Y_UP_FROM_Z_UP @ pose
        values = [*pose[:3, 3].tolist(), *xyzw(pose[:3, :3])]
        rows.append(", ".join([f"{number / 30:.4f}", f"{number:06d}", *map(repr, values)]))
    video(folder / "rgb.mp4", frames)
    (folder / "odometry.csv").write_text("\n".join(rows) + "\n")
    (folder / "camera_matrix.csv").write_text(f"{FX}, 0.0, {CX}\n0.0, {FY}, {CY}\n0.0, 0.0, 1.0\n")


def realsense(folder: Path) -> None:
    for number, pose in enumerate(world_from_cam()):
        rgb, depth = see(pose)
        save(folder / f"color_{number:06d}.png", rgb)
        save(folder / f"depth_{number:06d}.png", millimeters(depth))


def metashape(folder: Path) -> None:
    pictures(folder / "images", "IMG_{}.png")
    # The chunk has axes and a scale of its own; its transform leads to the world.
    rotation, scale, shift = quaternions.to_matrices(np.array([[0.7, 0.1, -0.5, 0.3]]))[0], 2.5, np.array([0.4, -0.3, 0.2])
    world_from_chunk = np.eye(4)
    world_from_chunk[:3, :3], world_from_chunk[:3, 3] = scale * rotation, shift
    entries = []
    for number, pose in enumerate(world_from_cam()):
        in_chunk = np.eye(4)
        in_chunk[:3, :3] = rotation.T @ pose[:3, :3]
        in_chunk[:3, 3] = (np.linalg.inv(world_from_chunk) @ [*pose[:3, 3], 1.0])[:3]
        numbers = " ".join(map(repr, in_chunk.ravel().tolist()))
        entries.append(f'<camera id="{number}" sensor_id="0" label="IMG_{number}"><transform>{numbers}</transform></camera>')
    entries.append('<camera id="99" sensor_id="0" label="IMG_99"/>')
    calibration = f"<f>{FY}</f><cx>{CX - WIDTH / 2}</cx><cy>{CY - HEIGHT / 2}</cy><b1>{FX - FY}</b1>"
    numbers = " ".join(map(repr, rotation.ravel().tolist()))
    (folder / "cameras.xml").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<document version="1.5.0"><chunk label="Chunk 1" enabled="true"><sensors next_id="1"><sensor id="0" label="X" type="frame">
<resolution width="{WIDTH}" height="{HEIGHT}"/><calibration type="frame" class="initial"><f>10</f></calibration>
<calibration type="frame" class="adjusted"><resolution width="{WIDTH}" height="{HEIGHT}"/>{calibration}</calibration></sensor></sensors>
<cameras next_id="9">{"".join(entries)}</cameras><transform><rotation>{numbers}</rotation>
<translation>{" ".join(map(repr, shift.tolist()))}</translation><scale>{scale}</scale></transform></chunk></document>"""
    )


def realityscan(folder: Path) -> None:
    pictures(folder / "images", "IMG_{}.png")
    rows = ["#name,x,y,alt,heading,pitch,roll,f,px,py,k1,k2,k3,k4,t1,t2"]
    per_mm = WIDTH / 36
    for number, pose in enumerate(world_from_cam()):
        r = opengl(pose)[:3, :3]  # = Rz(-heading) Rx(pitch) Ry(roll)
        pitch = np.degrees(np.arcsin(r[2, 1]))
        roll = np.degrees(np.arctan2(-r[2, 0], r[2, 2]))
        heading = np.degrees(np.arctan2(r[0, 1], r[1, 1]))
        lens = [FX / per_mm, (CX - WIDTH / 2) / per_mm, (CY - HEIGHT / 2) / per_mm, 0, 0, 0, 0, 0, 0]
        rows.append(",".join([f"IMG_{number}.png", *map(repr, map(float, [*pose[:3, 3], heading, pitch, roll, *lens]))]))
    (folder / "cameras.csv").write_text("\n".join(rows) + "\n")


def bundler(folder: Path) -> None:
    # The principal point is the picture's middle; the pictures are rendered so.
    names = [f"IMG_{number}.png" for number in range(COUNT)]
    points = sparse_points(50)
    lines = ["# Bundle file v0.3", f"{COUNT} {len(points)}"]
    for name, pose in zip(names, world_from_cam(), strict=True):
        save(folder / "images" / name, see(pose, (FX, FX), (WIDTH / 2, HEIGHT / 2))[0])
        matrix = np.linalg.inv(opengl(Y_UP_FROM_Z_UP @ pose))
        lines += [f"{FX} 0 0", *(" ".join(map(repr, row)) for row in matrix[:3, :3].tolist()), " ".join(map(repr, matrix[:3, 3].tolist()))]
    for xyz, rgb in zip(points.xyz @ Y_UP_FROM_Z_UP[:3, :3].T, points.rgb, strict=True):
        lines += [" ".join(map(repr, map(float, xyz))), " ".join(map(str, rgb)), "1 0 0 0.0 0.0"]
    (folder / "bundle.out").write_text("\n".join(lines) + "\n")
    (folder / "list.txt").write_text("".join(f"{name} 0 {FX}\n" for name in names))


def splat_trainer(folder: Path) -> None:
    names = [f"IMG_{number}" for number in range(COUNT)]
    down = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # COLMAP's world, y down, from Z up
    entries = []
    for name, pose in zip(names, world_from_cam(), strict=True):
        save(folder / "images" / f"{name}.png", see(pose, (FX, FX), (WIDTH / 2, HEIGHT / 2))[0])
        place = {"position": (down @ pose[:3, 3]).tolist(), "rotation": (down @ pose[:3, :3]).tolist()}
        entries.append({"id": len(entries), "img_name": name, "width": WIDTH, "height": HEIGHT, **place, "fx": FX, "fy": FX})
    (folder / "cameras.json").write_text(json.dumps(entries))
    write_points_ply(sparse_points(), folder / "point_cloud/iteration_7000/point_cloud.ply")


LAYOUTS = (
    Layout("A folder of photos", plain),
    Layout("Photos and a folder of masks", masked),
    Layout("Photos and NAME.jpg.mask.png (RealityScan)", realityscan_masks),
    Layout("Photos with transparency", transparent),
    Layout("A video", film),
    Layout("iPhone Live Photos", live_photos),
    Layout("Panoramas of 360° cameras", panoramas),
    Layout("COLMAP, binary", colmap, upright=False),
    Layout("COLMAP, text", lambda folder: colmap(folder, text=True), upright=False),
    Layout("COLMAP, dense workspace", lambda folder: colmap(folder, place="dense/0/sparse", images="dense/0/images"), upright=False),
    Layout("3DGS convert.py", gaussian_splatting, upright=False),
    Layout("3DGS results (cameras.json)", splat_trainer, upright=False),
    Layout("nerfstudio", nerfstudio),
    Layout("instant-ngp", instant_ngp),
    Layout("NeRF-synthetic", nerf_synthetic),
    Layout("Exports of Luma, Polycam and Kiri (transforms.json)", exported_zip),
    Layout("NeRFCapture", nerfcapture),
    Layout("Polycam, raw data", polycam),
    Layout("Record3D, EXR and RGB", record3d),
    Layout("Stray Scanner", stray_scanner),
    Layout("RealSense, color and depth", realsense),
    Layout("Metashape, cameras as XML", metashape),
    Layout("RealityScan, cameras as CSV", realityscan),
    Layout("Bundler (RealityScan, Metashape, VisualSFM)", bundler, upright=False),
)
