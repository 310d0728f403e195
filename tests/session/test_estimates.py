"""Minutes are told before Generate, of the sources that are there and of what the machine took before."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.blender


def test_minutes_grow_with_photos_and_presets_and_follow_what_this_machine_took(scene, tmp_path, monkeypatch):
    from reify.backend import kernel_cache
    from reify.backend.jobs.cache import Cache
    from reify.backend.jobs.forecast import EVEN, Timing
    from reify.backend.jobs.timings import keep_timing
    from reify.backend.methods import method_called
    from reify.backend.methods.photos import expected
    from reify.scene import preferences
    from reify.session import estimates

    monkeypatch.setattr(preferences, "cache", lambda: Cache(tmp_path / "cache"))
    few, many = tmp_path / "few", tmp_path / "many"
    for folder, count in ((few, 10), (many, 200)):
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}.jpg").touch()
    method = method_called("photos")
    settings = method.preset("Preview")
    quick, long = (estimates.seconds(method, settings, (folder,)) for folder in (few, many))
    assert 30 < quick < 0.6 * long
    presets = estimates.of_presets(method, (few,))
    assert [name for name, _ in presets][0] == "Preview" and {name for name, _ in presets} == set(method.presets)
    assert [taken for _, taken in presets] == sorted(taken for _, taken in presets)
    guess = expected(settings, 10)["Finding cameras"]
    slow = Timing(guess, 10 * guess.guess, 0.0, kernel_cache.version(), EVEN)
    keep_timing("photos", "Finding cameras", slow, Cache(tmp_path / "cache").timings)
    estimates._known.clear()
    assert estimates.seconds(method, settings, (few,)) > quick + 5 * guess.guess
