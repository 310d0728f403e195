"""A method says what it needs; a job doesn't start without it, and says how to get it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from reify.backend import settings as settings_of
from reify.backend.engine.requirements import ENGINE
from reify.backend.errors import ReifyError
from reify.backend.jobs import needs
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.jobs.needs import Memory, Needs, Weights
from reify.backend.methods import Method, all_methods
from reify.backend.settings import option
from reify.backend.values import Photos, Result


@dataclass(frozen=True)
class Settings:
    size_px: int = option(4096, "How large it gets", low=256, high=16384)
    learned: bool = option(False, "Whether a network does it")


def _needs(settings: Settings) -> Needs:
    packages = ("nowhere_to_be_found",) if settings.learned else ("json",)
    weights = (Weights("net.safetensors", 3 << 29, "for research only"),) if settings.learned else ()
    return Needs(packages, weights, Memory(100 * settings.size_px**2, "size_px"))


def _run(photos: Photos, settings: Settings, job: Job) -> Result:
    return Result("made", job.report)


METHOD = Method("big", "From Big", "Make something big", (Photos,), (), Settings, _run, {"Standard": {}}, (), needs=_needs)
PHOTOS = Photos((Path("fox"),))


def _refusal(settings: Settings, environment: Environment) -> ReifyError:
    with pytest.raises(ReifyError) as caught:
        METHOD.perform(PHOTOS, settings, Job(environment))
    return caught.value


def test_needs_follow_the_settings(tmp_path: Path) -> None:
    there = Environment(memory_bytes=2 << 30, user_folder=tmp_path)
    assert METHOD.missing(Settings(), there) == Needs()
    missing = METHOD.missing(Settings(learned=True), there)
    assert missing.packages == ("nowhere_to_be_found",) and missing.weights[0].name == "net.safetensors"


def test_a_missing_package_is_named_with_where_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = _refusal(Settings(learned=True), Environment(user_folder=tmp_path))
    assert "nowhere_to_be_found" in error.what and error.fix == "Install them where Blender's Python finds them."
    needed = replace(METHOD, needs=Needs(packages=("nowhere_to_be_found", "numba")))
    monkeypatch.setattr("reify.backend.jobs.needs._is_importable", lambda module: False)
    with pytest.raises(ReifyError) as caught:
        needed.check(Settings(), Environment())
    assert caught.value.fix == ENGINE.way


def test_missing_weights_are_named_with_size_license_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reify.backend.jobs.needs._is_importable", lambda module: True)
    error = _refusal(Settings(learned=True), Environment(user_folder=tmp_path))
    assert error.what == "From Big needs the weights net.safetensors (1.5 GB, for research only)."
    assert str(tmp_path / "weights") in error.fix
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "net.safetensors").touch()
    result = METHOD.perform(PHOTOS, Settings(learned=True), Job(Environment(user_folder=tmp_path)))
    assert result.report.licenses == {"net.safetensors": "for research only"}


def test_too_little_memory_is_said_with_a_setting_that_fits() -> None:
    little = Environment(memory_bytes=1 << 30)
    error = _refusal(Settings(), little)
    assert "about 1.6 GB of memory" in error.what and "1.0 GB are free" in error.what
    assert error.fix == "Set size_px to 2048, or close other programs."
    assert METHOD.fitting(Settings(), little) == Settings(size_px=2048)
    assert METHOD.perform(PHOTOS, Settings(size_px=2048), Job(little)).name == "made"


def test_no_setting_is_proposed_where_none_would_fit() -> None:
    none = Environment(memory_bytes=1 << 20)
    assert METHOD.fitting(Settings(), none) is None
    assert _refusal(Settings(), none).fix == "Close other programs."


def test_splats_meshes_and_pictures_need_no_torch_on_the_processor() -> None:
    methods = all_methods()
    for method in methods.values():
        assert "torch" not in method.needed(method.settings()).packages
    for device, needed in (("cpu", False), ("auto", False), ("cuda", True), ("gsplat", True)):
        settings = settings_of.with_values(methods["photos"].settings(), {"training.device": device})
        assert ("torch" in methods["photos"].needed(settings).packages) is needed, device


def test_a_texture_that_does_not_fit_is_refused_before_the_photos_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "_is_importable", lambda module: True)
    photos = all_methods()["photos"]
    settings = settings_of.with_values(photos.settings(), {"texture.size_px": 16384})
    with pytest.raises(ReifyError, match=r"2\d.\d GB of memory.*Set texture.size_px to 8192"):
        photos.check(settings, Environment(memory_bytes=8 << 30))


def test_a_machine_of_8_gib_is_told_of_each_setting_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "_is_importable", lambda module: True)
    photos, little = all_methods()["photos"], Environment(memory_bytes=6 << 30)
    for name in photos.presets:
        photos.check(photos.preset(name), little)
    large = settings_of.with_values(photos.settings(), {"texture.size_px": 16384, "surface.max_voxels": 400})
    with pytest.raises(ReifyError, match=r"Set surface.max_voxels to \d+ and texture.size_px to \d+, or close other programs"):
        photos.check(large, little)
    assert not photos.missing(photos.fitting(large, little), little)


def test_the_estimate_grows_with_what_is_trained_fused_and_painted() -> None:
    photos = all_methods()["photos"]

    def gib(**changes: float) -> float:
        memory = photos.needed(settings_of.with_values(photos.settings(), changes)).memory
        assert memory is not None
        return memory.bytes / 2**30

    standard = gib()
    assert 1.0 < standard < 2.5
    assert gib(**{"texture.size_px": 8192}) > standard + 6
    assert gib(**{"surface.max_voxels": 100}) > standard + 3
    assert gib(**{"training.max_splats": 5_000_000}) > standard + 6


def test_the_estimate_follows_the_photos_at_hand(tmp_path: Path) -> None:
    from PIL import Image

    photos = all_methods()["photos"]
    (tmp_path / "images").mkdir()
    for number in range(3):
        Image.new("RGB", (64, 48)).save(tmp_path / f"images/{number}.png")
    settings = photos.settings()
    common, near = photos.needed(settings).memory, photos.needed(settings, Photos((tmp_path,))).memory
    assert common is not None and near is not None and near.bytes < common.bytes - (200 << 20)
    (tmp_path / "images/0.png").write_bytes(b"damaged")
    assert photos.needed(settings, Photos((tmp_path, tmp_path / "nowhere"))).memory is not None
