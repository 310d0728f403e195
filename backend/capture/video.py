"""Frames of a video: evenly spaced, and of each stretch the sharpest one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ReifyError
from ..formats import color, images
from ..values import Array, Photo
from .listing import Progress

if TYPE_CHECKING:
    from av import VideoFrame

SHARPNESS_WIDTH_PX = 480  # enough to tell a blurred frame, and quick
BT709, UNTAGGED = 1, 2  # ISO/IEC 23091-2, matrix coefficients
# The outer parts of a stretch are left alone, so that neighbors stay apart.
USED_PART = 0.7


@dataclass(frozen=True)
class _Frame:
    number: int
    position: float  # in the video, 0 to 1
    frame: VideoFrame


def pick_frames(path: Path, folder: Path, count: int, progress: Progress) -> list[Photo]:
    """About `count` frames of a video as upright JPEG files in `folder`; raises ReifyError where the video can't be read."""
    import av

    photos: list[Photo] = []
    best: tuple[float, _Frame] | None = None
    window = 0
    try:
        for frame in _decode(path):
            progress(frame.position, f"frame {frame.number}")
            if int(frame.position * count) != window:
                photos += _save(best, path, folder)
                window, best = int(frame.position * count), None
            if abs(frame.position * count - window - 0.5) > USED_PART / 2 and best is not None:
                continue
            sharpness = _sharpness(frame.frame)
            if best is None or sharpness > best[0]:
                best = (sharpness, frame)
        photos += _save(best, path, folder)
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        what = f"The video {path.name} can't be read ({error})."
        raise ReifyError(what, "Convert it to MP4 (H.264), or export its frames as pictures.") from error
    if not photos:
        raise ReifyError(f"The video {path.name} has no frames.", "Choose another video.")
    return photos


def _decode(path: Path) -> Iterator[_Frame]:
    import av

    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ReifyError(f"{path.name} holds no pictures, only sound.", "Choose a video.")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        duration_s = _duration_s(container, stream)
        start_s = float((stream.start_time or 0) * (stream.time_base or 0))
        frames = container.decode(stream)
        number = -1
        while True:
            try:
                frame = next(frames)
            except StopIteration:
                return
            except av.error.InvalidDataError:
                if number < 0:
                    raise
                return  # a recording that was cut off: what came before is good
            number += 1
            at_s = frame.time - start_s if frame.time is not None else number / float(stream.average_rate or 30)
            yield _Frame(number, min(max(at_s / duration_s, 0.0), 1.0 - 1e-9), frame)


def _duration_s(container: object, stream: object) -> float:
    import av

    assert isinstance(container, av.container.InputContainer) and isinstance(stream, av.VideoStream)
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return container.duration / av.time_base
    return max(1.0, (stream.frames or 300) / float(stream.average_rate or 30))


def _sharpness(frame: VideoFrame) -> float:
    width = min(SHARPNESS_WIDTH_PX, frame.width)
    height = max(3, round(frame.height * width / frame.width))
    gray = frame.reformat(width=width, height=height, format="gray").to_ndarray().astype(np.float32)
    laplacian = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * gray[1:-1, 1:-1]
    return float(laplacian.var())


def _save(best: tuple[float, _Frame] | None, video: Path, folder: Path) -> list[Photo]:
    if best is None:
        return []
    frame = best[1]
    pixels = _upright(frame.frame)
    height, width = pixels.shape[:2]
    path = folder / f"frame_{frame.number:06d}.jpg"
    images.write_jpeg(path, pixels)
    device = f"{video.name} {width}x{height}"
    return [Photo(path=path, name=path.name, width=width, height=height, device=device, frame=frame.number)]


def _upright(frame: VideoFrame) -> Array:
    # What isn't tagged is BT.709 from 720 lines on, as players take it; FFmpeg would take it for BT.601.
    if frame.colorspace == UNTAGGED and min(frame.width, frame.height) >= 720:
        frame.colorspace = BT709
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    if color.is_srgb(primaries, transfer):
        pixels = frame.to_ndarray(format="rgb24")
    else:  # HDR, or wide colors: 16 bits, since dark tones are spread wide
        pixels = color.to_srgb(frame.to_ndarray(format="rgb48le"), primaries, transfer)
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90) % 4))
