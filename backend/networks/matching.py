"""Keypoints of pictures by ALIKED, and which of two pictures' keypoints belong together by LightGlue, for who has a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..jobs.job import Job
from ..values import Array
from .aliked import Aliked, folded
from .library.catalog import ALIKED_LIGHTGLUE
from .library.keeping import CONVERTED
from .library.places import need
from .lightglue import LightGlue
from .published import tensors_of
from .running import built, chosen_device

MOST_KEYPOINTS = 2048


class Networks(nn.Module):
    """Both, as their weights are kept together."""

    def __init__(self) -> None:
        super().__init__()
        self.aliked = Aliked()
        self.lightglue = LightGlue()


@dataclass(frozen=True, eq=False)
class Described:
    """A picture's keypoints."""

    xy: Tensor  # [K,2] pixels, the center of the first one at (0, 0)
    descriptors: Tensor  # [K,128]
    size_px: tuple[int, int]  # width and height


class Matcher:
    """Matches pictures for one job; raises ReifyError where the weights aren't there."""

    def __init__(self, job: Job) -> None:
        weights = need(ALIKED_LIGHTGLUE, job.environment)
        # In half precision, places in a picture would be rounded to half a pixel and more.
        self._networks = built(Networks, weights.files[CONVERTED], chosen_device(job.environment)).float()

    def describe(self, srgb: Array, shown: Array | None = None) -> Described:
        """The keypoints of a picture [H,W,3] uint8, without those where `shown` [H,W] bool is False."""
        weight = self._networks.lightglue.input_proj.weight
        colors = torch.tensor(srgb).permute(2, 0, 1)[None].to(weight.device, torch.float32) / 255.0
        with torch.inference_mode():
            xy, descriptors, _scores = self._networks.aliked(colors.to(weight.dtype), MOST_KEYPOINTS)
            if shown is not None:
                column, row = xy.round().long().unbind(1)
                kept = torch.tensor(shown, device=xy.device)[row, column]
                xy, descriptors = xy[kept], descriptors[kept]
        return Described(xy, descriptors, (srgb.shape[1], srgb.shape[0]))

    def match(self, one: Described, two: Described) -> Array:
        """Pairs [.,2] uint32 of the keypoints of two pictures that show the same points."""
        with torch.inference_mode():
            pairs, _scores = self._networks.lightglue((one.xy, one.descriptors), (two.xy, two.descriptors), (one.size_px, two.size_px))
        return pairs.cpu().numpy().astype("uint32")


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """Both networks' arrays out of the published checkpoints; raises ValueError where they hold other networks."""
    loaded = {name: tensors_of(path) for name, path in files.items()}
    return {name: array.contiguous().numpy() for name, array in arranged(loaded).items()}


def arranged(files: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The same of tensors by file and name."""
    glue = {name: array.float() for name, array in files["aliked_lightglue.pth"].items() if name != "confidence_thresholds"}
    try:
        arrays = {f"aliked.{name}": array for name, array in folded(files["aliked-n16.pth"]).items()}
    except KeyError:
        arrays = {}
    arrays |= {f"lightglue.{name}": array for name, array in glue.items()}
    with torch.device("meta"):
        wanted = {name: array.shape for name, array in Networks().state_dict().items()}
    if wanted != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("it holds other networks than ALIKED n16 and LightGlue")
    return arrays
