"""The CUDA source, compiled for every generation of cards by NVRTC, which needs no card for that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("numba")
CARDS = (75, 80, 86, 89, 90, 100, 120)


@pytest.fixture(scope="module")
def nvrtc():
    from reify.backend.splats.cuda.nvrtc import Unusable, compiler

    try:
        return compiler()
    except Unusable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def binaries(nvrtc):
    """Machine code by card."""
    from reify.backend.splats.cuda.source import source

    with ThreadPoolExecutor(2) as pool:
        compiled = pool.map(lambda card: nvrtc.compile(source(), nvrtc.target(card)), CARDS)
        return dict(zip(CARDS, compiled, strict=True))


@pytest.mark.parametrize("card", CARDS)
def test_the_kernels_compile_for(card, binaries):
    from reify.backend.splats.cuda.source import KERNELS

    binary = binaries[card]
    assert binary.startswith(b"\x7fELF")
    assert all(f".text.{name}\0".encode() in binary for name in KERNELS)


def test_a_card_newer_than_the_compiler_gets_code_that_the_driver_translates(nvrtc):
    target = nvrtc.target(999)
    assert target == f"compute_{nvrtc.architectures()[-1]}"
    assert b".target sm_" in nvrtc.compile('extern "C" __global__ void nothing() {}', target)


def test_a_card_too_old_for_the_compiler_is_refused(nvrtc):
    from reify.backend.splats.cuda.nvrtc import Unusable

    with pytest.raises(Unusable, match="sm_20"):
        nvrtc.target(20)


def test_an_error_in_the_source_comes_with_the_compiler_s_words(nvrtc):
    from reify.backend.splats.cuda.nvrtc import Unusable

    with pytest.raises(Unusable, match="missing_thing"):
        nvrtc.compile('extern "C" __global__ void broken(int* out) { *out = missing_thing; }', nvrtc.target(80))


def test_what_was_compiled_once_comes_from_the_cache(nvrtc, tmp_path, monkeypatch):
    from reify.backend.splats.cuda import nvrtc as module

    monkeypatch.setenv("REIFY_CACHE", str(tmp_path))
    text = 'extern "C" __global__ void nothing() {}'
    first = module.compiled(text, 80)
    assert len(list((tmp_path / "kernels").iterdir())) == 1
    monkeypatch.setattr(module.Compiler, "compile", None)
    assert module.compiled(text, 80) == first


def test_without_nvrtc_one_sentence_says_so(monkeypatch):
    from reify.backend.splats.cuda import nvrtc as module

    monkeypatch.setattr(module, "libraries", lambda: iter(()))
    with pytest.raises(module.Unusable, match="NVRTC, CUDA's compiler library, isn't installed"):
        module.compiler()
