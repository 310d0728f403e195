"""Sparse tensors: features [N,C] on some of a grid's voxels, and what networks do with them.

Submanifold convolution (Graham and van der Maaten, "Submanifold Sparse Convolutional Networks", 2017) gathers neighbors and multiplies
matrices; no compiled operator is needed. Windows are those of Liu et al., "Swin Transformer", ICCV 2021, in three dimensions.
"""

from __future__ import annotations

import functools
import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

OFFSETS = tuple(itertools.product((-1, 0, 1), repeat=3))  # of a kernel of 3; the one opposite to number k is number 26 - k
MIDDLE = len(OFFSETS) // 2
ROWS = 1 << 16  # of features that one step of a convolution gathers
TOKENS = 1 << 15  # that windows of one length are padded to at once


class Voxels:
    """Places [N,3] int64 of voxels, none of them negative or twice, in any order; keeps what is worked out about them."""

    def __init__(self, places: Tensor) -> None:
        self.places = places
        self._windows: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}

    def __len__(self) -> int:
        return len(self.places)

    @functools.cached_property
    def neighbors(self) -> list[tuple[Tensor, Tensor]]:
        """For the first 13 OFFSETS: numbers [P] int32 of voxels, and of those that stand at the offset from them."""
        side = int(self.places.max()) + 3  # a margin on either side, so that no offset leads around the end of a row
        strides = self.places.new_tensor([side * side, side, 1])
        codes = ((self.places + 1) * strides).sum(dim=1)
        ordered, order = codes.sort()
        found = []
        for offset in OFFSETS[:MIDDLE]:
            wanted = codes + int((self.places.new_tensor(offset) * strides).sum())
            rank = torch.searchsorted(ordered, wanted).clamp_(max=len(ordered) - 1)
            there = (ordered[rank] == wanted).nonzero()[:, 0]
            found.append((there.int(), order[rank[there]].int()))
        return found

    def windows(self, size: int, shift: int) -> list[tuple[Tensor, Tensor]]:
        """The voxels of each cube of `size` after moving all by `shift`: numbers [W,T], and which of them are there [W,T].

        Windows of about the same length come together. Where one is shorter its last places are filled with number 0.
        """
        if (size, shift) not in self._windows:
            self._windows[size, shift] = self._grouped(size, shift)
        return self._windows[size, shift]

    def _grouped(self, size: int, shift: int) -> list[tuple[Tensor, Tensor]]:
        cubes = torch.div(self.places + shift, size, rounding_mode="floor")
        _, owner, counts = cubes.unique(dim=0, return_inverse=True, return_counts=True)
        order = owner.argsort(stable=True)
        begins = counts.cumsum(0) - counts
        by_length, lengths = counts.argsort(stable=True).tolist(), counts.tolist()
        groups = []
        while by_length:
            longest = lengths[by_length[-1]]
            taken = [each for each in by_length[-max(1, TOKENS // longest) :] if 2 * lengths[each] >= longest]
            del by_length[-len(taken) :]
            which = torch.tensor(taken, device=owner.device)
            steps = torch.arange(longest, device=owner.device)
            there = steps < counts[which, None]
            numbers = order[torch.where(there, begins[which, None] + steps, 0)]
            groups.append((torch.where(there, numbers, 0), there))
        return groups

    @functools.cached_property
    def coarser(self) -> tuple[Voxels, Tensor]:
        """Voxels of twice the edge that hold these, and the number [N] of each one's."""
        places, owner = torch.div(self.places, 2, rounding_mode="floor").unique(dim=0, return_inverse=True)
        return Voxels(places), owner

    @functools.cached_property
    def finer(self) -> Voxels:
        """The eight voxels of half the edge in each of these, one voxel's after the other's."""
        children = self.places.new_tensor(list(itertools.product((0, 1), repeat=3)))
        return Voxels((2 * self.places[:, None] + children).flatten(0, 1))


def averaged(features: Tensor, owner: Tensor, count: int, zeros: int = 0) -> Tensor:
    """Means [count,C] of features [N,C] by `owner` [N], and of so many zeros beside them."""
    sums = features.new_zeros(count, features.shape[1]).index_add_(0, owner, features)
    return sums / (zeros + torch.bincount(owner, minlength=count))[:, None].to(features.dtype)


class SparseConvolution(nn.Module):
    """A convolution that has values only where its input has some: features [N,inside] to [N,outside]; `kernel` is 1 or 3."""

    def __init__(self, inside: int, outside: int, kernel: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outside, kernel, kernel, kernel, inside))
        self.bias = nn.Parameter(torch.empty(outside))

    def forward(self, features: Tensor, voxels: Voxels) -> Tensor:
        """Features [N,outside]; the first axis of the kernel is the first of places."""
        kernels = self.weight.flatten(1, 3).unbind(1)  # [outside,inside] each
        made = F.linear(features, kernels[len(kernels) // 2], self.bias)
        if len(kernels) == 1:
            return made
        for number, (here, there) in enumerate(voxels.neighbors):
            self._add(made, features, here, there, kernels[number])
            self._add(made, features, there, here, kernels[-1 - number])
        return made

    @staticmethod
    def _add(made: Tensor, features: Tensor, target: Tensor, source: Tensor, kernel: Tensor) -> None:
        for to, of in zip(target.split(ROWS), source.split(ROWS), strict=True):
            made.index_add_(0, to, F.linear(features.index_select(0, of), kernel))


class SparseGroupNorm(nn.GroupNorm):
    """Group normalization over all voxels of features [N,C], in float32."""

    def forward(self, features: Tensor) -> Tensor:
        """Features [N,C]."""
        whole = features.float().T[None]
        return F.group_norm(whole, self.num_groups, self.weight, self.bias, self.eps)[0].T.to(features.dtype)
