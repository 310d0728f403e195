from __future__ import annotations

import os

from reify.backend import device


def test_compiled_kernels_are_kept_apart_by_the_code_of_all_kernels(tmp_path, monkeypatch):
    code, kept = tmp_path / "code", tmp_path / "cache" / "kernels"
    code.mkdir()
    monkeypatch.setattr(device, "__file__", str(code / "device.py"))
    monkeypatch.setattr(device, "cache_folder", lambda: tmp_path / "cache")
    folders = []
    for version in range(5):
        (code / "kernel.py").write_text(f"@njit\ndef f(): return {version}")
        folders.append(device._kernel_folder.__wrapped__())
        os.utime(folders[-1], (version, version))
    (code / "other.py").write_text("no kernel")
    assert device._kernel_folder.__wrapped__() == folders[-1]
    assert len(set(folders)) == 5
    assert sorted(kept.iterdir()) == sorted(folders[-device.KERNEL_FOLDERS :])
