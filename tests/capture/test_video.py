import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.formats.images import read_image
from reify.backend.jobs.job import Job, Progress
from reify.backend.values import Photos

av = pytest.importorskip("av")

WIDTH, HEIGHT = 160, 96


def make_video(path: Path, frames: int, sharp_every: int = 1, codec: str = "mpeg4") -> Path:
    """A video of noise whose red corner is the upper left one, and in which only every n-th frame is sharp."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 4_000_000
        for number in range(frames):
            image = Image.fromarray(np.roll(noise, number, axis=1))
            if number % sharp_every:
                image = image.filter(ImageFilter.GaussianBlur(3))
            pixels = np.array(image)
            pixels[:32, :32] = 255, 0, 0
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def turn_as_a_phone_does(path: Path, degrees: int) -> None:
    """Put a rotation into the display matrix of an MP4's track header."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # behind version, times, id, duration, layer, volume
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def read(path: Path, job: Job | None = None, **settings):
    return (job or Job()).stage("Reading photos", read_photos, Photos((path,)), CaptureSettings(**settings))


def test_frames_are_sharp_evenly_spaced_and_of_one_device(tmp_path):
    job = Job()
    capture = read(make_video(tmp_path / "walk around ä.mp4", 120, sharp_every=5), job, video_frames=12)
    numbers = np.array([photo.frame for photo in capture.photos])
    assert len(numbers) == 12 and capture.ordered and capture.name == "walk around ä"
    assert (numbers % 5 == 0).all()
    assert np.diff(numbers).min() >= 5 and np.diff(numbers).max() <= 15
    assert len({photo.device for photo in capture.photos}) == 1 and capture.photos[0].device
    assert all((photo.width, photo.height) == (WIDTH, HEIGHT) and photo.path.is_file() for photo in capture.photos)
    assert capture.test == (4,)


@pytest.mark.parametrize(("degrees", "corner"), [(90, (16, -16)), (180, (-16, -16)), (270, (-16, 16))])
def test_a_video_taken_in_portrait_stands_upright(tmp_path, degrees, corner):
    turn_as_a_phone_does(make_video(tmp_path / "a.mp4", 20), degrees)
    job = Job()
    photo = read(tmp_path / "a.mp4", job, video_frames=5).photos[0]
    pixels = read_image(photo.path)
    assert (photo.width, photo.height) == ((WIDTH, HEIGHT) if degrees == 180 else (HEIGHT, WIDTH)) == pixels.shape[1::-1]
    red = pixels[corner].astype(int)
    assert red[0] > 200 and red[1:].max() < 80


def test_an_hd_video_without_a_tag_has_the_colors_that_players_show(tmp_path):
    red, green, blue = 200, 60, 30
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue  # BT.709
    planes = 16 + y * 219 / 255, 128 + (blue - y) / 1.8556 * 224 / 255, 128 + (red - y) / 1.5748 * 224 / 255
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(4):
            frame = av.VideoFrame(1280, 720, "yuv420p")
            for plane, value in zip(frame.planes, planes, strict=True):
                plane.update(bytes([round(value) + (number if plane is frame.planes[0] else 0)]) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    job = Job()
    pixels = read_image(read(tmp_path / "a.mp4", job).photos[0].path)
    assert np.abs(pixels[100, 100].astype(int) - [red, green, blue]).max() <= 5


def test_a_short_video_gives_the_frames_it_has(tmp_path):
    job = Job()
    capture = read(make_video(tmp_path / "short.mp4", 9), job, video_frames=80)
    assert [photo.frame for photo in capture.photos] == list(range(9))


def test_a_folder_that_holds_only_a_video_is_read_as_that(tmp_path):
    make_video(tmp_path / "clip.mp4", 10)
    job = Job()
    assert len(read(tmp_path, job).photos) == 10


def test_several_videos_are_joined_under_unique_names(tmp_path):
    job = Job()
    videos = tuple(make_video(tmp_path / name, 10) for name in ("a.mp4", "b.mkv"))
    capture = job.stage("Reading photos", read_photos, Photos(videos), CaptureSettings(video_frames=5))
    assert len({photo.name for photo in capture.photos}) == len({photo.path for photo in capture.photos}) == 10
    assert len({photo.device for photo in capture.photos}) == 2


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_text("words")
    with pytest.raises(ReifyError, match="a.mp4"):
        read(tmp_path / "a.mp4")
    cut_off = make_video(tmp_path / "b.mp4", 30).read_bytes()[:2000]
    (tmp_path / "b.mp4").write_bytes(cut_off)
    with pytest.raises(ReifyError, match="b.mp4"):
        read(tmp_path / "b.mp4")


def test_a_recording_that_was_cut_off_gives_what_came_before(tmp_path):
    path = make_video(tmp_path / "a.mkv", 60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    job = Job()
    numbers = [photo.frame for photo in read(path, job, video_frames=30).photos]
    assert 10 <= len(numbers) <= 30 and numbers[-1] < 40


def test_reading_a_video_can_be_canceled_and_leaves_no_half_written_frame(tmp_path):
    job = Job()
    job._listener = lambda event: job.cancel() if isinstance(event, Progress) and event.fraction > 0.5 else None
    with pytest.raises(Cancelled):
        read(make_video(tmp_path / "a.mp4", 60), job, video_frames=20)
    frames = list(job.folder.rglob("*"))
    assert frames and not [path for path in frames if path.suffix == ".partial"]


PATCHES = np.array([(255, 255, 255), (128, 128, 128), (200, 80, 60), (40, 120, 200)])
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # from BT.709 (BT.2087)
LUMA = np.array([0.2627, 0.6780, 0.0593])


def hlg(linear: np.ndarray) -> np.ndarray:
    """Signals [N,3] of colors in BT.2020 on a display of 1000 cd/m², diffuse white at 203 (BT.2100, BT.2408)."""
    display = linear * 203 / 1000
    scene = display * np.maximum(display @ LUMA, 1e-9)[:, None] ** ((1 - 1.2) / 1.2)
    dark = np.sqrt(3 * scene)
    return np.where(scene <= 1 / 12, dark, 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073)


def pq(linear: np.ndarray) -> np.ndarray:
    """The same as absolute luminances (SMPTE ST 2084)."""
    power = (linear * 203 / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


@pytest.mark.parametrize(("transfer", "curve"), [("arib-std-b67", hlg), ("smpte2084", pq), ("bt2020-10", None)])
def test_hdr_video_looks_as_its_sdr_version_would(tmp_path, transfer, curve):
    if "libx265" not in av.codecs_available:
        pytest.skip("this build of FFmpeg writes no HEVC")
    srgb = PATCHES / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) @ TO_2020.T
    signal = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) if curve is None else curve(linear)
    y = signal @ LUMA
    planes = np.stack([64 + 876 * y, 512 + 896 * (signal[:, 2] - y) / 1.8814, 512 + 896 * (signal[:, 0] - y) / 1.4746])
    with av.open(str(tmp_path / "clip.mov"), "w") as container:
        told = f"log-level=none:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:range=limited"
        stream = container.add_stream("libx265", rate=30, options={"x265-params": told})
        stream.width, stream.height, stream.pix_fmt = 256, 64, "yuv420p10le"
        for number in range(6):
            frame = av.VideoFrame(256, 64, "yuv420p10le")
            for plane, values in zip(frame.planes, np.round(planes).astype(np.uint16), strict=True):
                buffer = np.zeros((plane.height, plane.line_size // 2), np.uint16)
                buffer[:, : plane.width] = values.repeat(plane.width // 4)
                plane.update(buffer.tobytes())
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    job = Job()  # whose folder the frames lie in
    pixels = read_image(read(tmp_path / "clip.mov", job, video_frames=3).photos[1].path)
    assert np.abs(pixels[32, 32::64].astype(int) - PATCHES).max() <= 5


def test_what_is_brighter_than_diffuse_white_keeps_its_hue():
    from reify.backend.formats import color

    codes = np.round(65535 * hlg(np.array([[2.0, 1.0, 0.5]]))).astype(np.uint16)[None]
    found = color.linear_of_srgb(color.to_srgb(codes, color.BT709, color.HLG) / 255)[0, 0]
    assert found == pytest.approx([1.0, 0.5, 0.25], abs=0.02)
