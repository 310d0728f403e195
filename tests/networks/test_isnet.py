"""ISNet with its published weights: subjects of pictures with known transparency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify.backend.formats.images import read_image
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.networks.library.catalog import ISNET

from .real import environment_with

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment_with(ISNET, tmp_path_factory.mktemp("isnet"))


@pytest.fixture(scope="module")
def finder(environment: Environment):
    from reify.backend.networks.subjects import Finder

    return Finder(Job(environment))


def test_the_network_has_as_many_parameters_as_its_entry_says() -> None:
    from reify.backend.networks.isnet import ISNet

    with torch.device("meta"):
        assert sum(each.numel() for each in ISNet().parameters()) == ISNET.parameters


def test_any_size_of_picture_gives_a_coverage_of_that_size(finder) -> None:
    coverage = finder.coverage(np.full((37, 91, 3), 128, np.uint8), lambda fraction: None)
    assert coverage.shape == (37, 91) and coverage.dtype == np.float32
    assert coverage.min() >= 0.0 and coverage.max() <= 1.0


@pytest.mark.parametrize("name", ["chair", "robot"])
def test_the_subject_is_what_the_picture_has_as_opaque(finder, data: Path, name: str) -> None:
    pixels = read_image(data / "single_images" / f"{name}.png")
    opacity = pixels[..., 3:] / 255.0
    on_gray = np.round(pixels[..., :3] * opacity + 128 * (1.0 - opacity)).astype(np.uint8)
    heard: list[float] = []
    found, known = finder.coverage(on_gray, heard.append) > 0.5, opacity[..., 0] > 0.5
    assert (found & known).sum() / (found | known).sum() > 0.97
    assert heard == sorted(heard) and heard[-1] == 1.0 and len(heard) == 11


def test_a_cancel_is_heeded_between_two_blocks(finder) -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finder.coverage(np.zeros((8, 8, 3), np.uint8), stop)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    from reify.backend.errors import ReifyError
    from reify.backend.networks import isnet, running
    from safetensors.numpy import save_file

    save_file({"enter.weight": np.zeros((64, 3, 3, 3), np.float16)}, tmp_path / "weights.safetensors")
    with pytest.raises(ReifyError, match="doesn't hold the weights"):
        running.built(isnet.ISNet, tmp_path / "weights.safetensors", torch.device("cpu"))
