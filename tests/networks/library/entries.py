"""Small entries for the tests: two arrays in one .safetensors file, on whatever mirrors a test has."""

from __future__ import annotations

import hashlib

import numpy as np
from reify.backend.networks.library.entry import Entry, File, License, Mirror, Proof


def content(size: int = 4096) -> bytes:
    """A .safetensors file."""
    from safetensors.numpy import save

    return save({"weight": np.arange(size, dtype=np.float32), "bias": np.zeros(3, np.float16)})


def entry(published: bytes, *mirrors: Mirror, name: str = "tiny.safetensors", **changed: object) -> Entry:
    """An entry of one file with this content."""
    about = dict(
        id="tiny",
        title="Tiny",
        use="Does nothing",
        source="Nobody, Nothing, 2026",
        parameters=4099,
        dtype="float32",
        files=(File(name, len(published), hashlib.sha256(published).hexdigest(), mirrors),),
        license=License("MIT", "Free for any use.", "Nobody", "https://example.org"),
        proof=Proof.PAPER,
    )
    return Entry(**{**about, **changed})  # type: ignore[arg-type]
