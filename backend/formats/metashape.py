"""Metashape's cameras.xml: camera-to-chunk with OpenCV axes, and the chunk's own similarity into the world.

The world is that of the chunk's reference: a local one with Z up, or geocentric coordinates (ECEF) in meters. The principal point is an
offset from the picture's middle. Metashape's P1 and P2 are OpenCV's p2 and p1, its B1 is fx - fy (Agisoft, user manual, appendix D).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array
from .posed import DAMAGED, Described, Lens, Shot, cam_from_world_of, pinhole_matrix

SNIFFED = 4096  # bytes of a file that may be one
PERSPECTIVE, FISHEYE, PANORAMA = "frame", "fisheye", "spherical"


def find(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """XML files that begin as Metashape's do."""
    return [folder / files[name] for name in sorted(files) if name.endswith(".xml") and _looks_like_one(folder / files[name])]


def describe(path: Path) -> Described:
    """What the chunk with the most aligned cameras says; raises ReifyError where there is none or the file is damaged."""
    try:
        chunks = list(ET.parse(path).getroot().iter("chunk"))
    except (OSError, ET.ParseError, *DAMAGED) as error:
        raise ReifyError(f"{path.name} is damaged: {error}.", "Export the cameras again.") from error
    try:
        found = [_read_chunk(chunk) for chunk in chunks if chunk.find("cameras") is not None]
    except DAMAGED as error:
        raise ReifyError(f"{path.name} is damaged: {error}.", "Export the cameras again.") from error
    shots, problems, unaligned = max(found, key=lambda part: len(part[0]), default=([], [], 0))
    if not shots:
        reason = problems[0] if problems else "none of its cameras is aligned"
        raise ReifyError(f"{path.name} of Metashape can't be used: {reason}.", "Align the photos in Metashape and export the cameras.")
    notes = [f"{unaligned} pictures aren't aligned in {path.name}."] if unaligned else []
    notes += [f"{path.name} has {len(found)} chunks with worlds of their own; the largest is used."] if len(found) > 1 else []
    folders = (path.parent, path.parent / "images")
    return Described(f"Metashape's {path.name}", path, tuple(shots), tuple(problems), tuple(notes), folders=folders)


def _looks_like_one(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(SNIFFED)
    return b"<document" in head and b"<chunk" in head


def _read_chunk(chunk: ET.Element) -> tuple[list[Shot], list[str], int]:
    """Shots, problems, and the number of cameras that aren't aligned."""
    world_from_chunk = _similarity(chunk.find("transform"))
    of_component = {part.get("id"): _similarity(part.find("transform")) for part in chunk.iter("component")}
    sensors = {sensor.get("id"): sensor for sensor in chunk.iter("sensor")}
    cameras = chunk.find("cameras")
    shots, problems, unaligned = [], [], 0
    for camera in cameras.iter("camera") if cameras is not None else ():
        name, place = camera.get("label") or "", camera.find("transform")
        if place is None or camera.get("enabled") in ("false", "0"):
            unaligned += 1
            continue
        try:
            pose = np.array([float(value) for value in (place.text or "").split()]).reshape(4, 4)
            world = of_component.get(camera.get("component_id"), world_from_chunk)
            shots.append(Shot(name, cam_from_world_of(world @ pose), _lens(sensors[camera.get("sensor_id")])))
        except DAMAGED as error:
            problems.append(f"{name}: {error}")
    return shots, problems, unaligned


def _similarity(element: ET.Element | None) -> Array:
    """World from chunk [4,4]; identity where the chunk has no place in a world."""
    out = np.eye(4)
    if element is None:
        return out
    rotation, translation = (_values(element, name) for name in ("rotation", "translation"))
    scale = _values(element, "scale")
    if len(rotation) == 9:
        out[:3, :3] = rotation.reshape(3, 3) * (scale[0] if len(scale) else 1.0)
    if len(translation) == 3:
        out[:3, 3] = translation
    return out


def _values(element: ET.Element, name: str) -> Array:
    inner = element.find(name)
    return np.array([float(value) for value in (inner.text or "").split()] if inner is not None else [], np.float64)


def _lens(sensor: ET.Element) -> Lens:
    kind = sensor.get("type") or PERSPECTIVE
    resolution = sensor.find("resolution")
    if resolution is None:
        raise ValueError("its sensor has no resolution")
    width, height = int(resolution.get("width") or 0), int(resolution.get("height") or 0)
    if kind == PANORAMA:
        return Lens(np.eye(3), (width, height), np.zeros(8), fisheye=False, panorama=True)
    if kind not in (PERSPECTIVE, FISHEYE):
        raise ValueError(f"its sensor is of the type {kind}, which isn't supported")
    calibration = _calibration(sensor)
    number = {part.tag: float(part.text or 0) for part in calibration if part.tag != "resolution" and not len(part)}
    f = number.get("f") or number.get("fx") or 0.0
    fx = f + number.get("b1", 0.0)
    K = pinhole_matrix(fx, f, width / 2 + number.get("cx", 0.0), height / 2 + number.get("cy", 0.0))
    k1, k2, k3, k4 = (number.get(name, 0.0) for name in ("k1", "k2", "k3", "k4"))
    if kind == FISHEYE:
        return Lens(K, (width, height), np.array([k1, k2, k3, k4, 0, 0, 0, 0]), fisheye=True)
    if k4:
        raise ValueError("its lens has K4, which isn't supported; calibrate without it")
    return Lens(K, (width, height), np.array([k1, k2, number.get("p2", 0.0), number.get("p1", 0.0), k3, 0, 0, 0]), fisheye=False)


def _calibration(sensor: ET.Element) -> ET.Element:
    found = sensor.findall("calibration")
    if not found:
        raise ValueError("its sensor isn't calibrated")
    return max(found, key=lambda part: part.get("class") == "adjusted")  # beside the initial one
