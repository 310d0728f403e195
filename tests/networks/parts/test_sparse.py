"""Sparse tensors against dense ones: convolution on a masked grid, attention in windows against each window by itself."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def voxels():
    from reify.backend.networks.parts.sparse import Voxels

    torch.manual_seed(1)
    places = (torch.rand(9, 11, 10) < 0.3).nonzero()
    return Voxels(places[torch.randperm(len(places))])


def _filled(module):
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=0.3)
    return module.eval().requires_grad_(False)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_convolution_is_the_dense_one_of_a_masked_grid(voxels, kernel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from reify.backend.networks.parts import sparse

    monkeypatch.setattr(sparse, "ROWS", 37)
    layer = _filled(sparse.SparseConvolution(5, 4, kernel)).double()
    features = torch.randn(len(voxels), 5, dtype=torch.float64)
    dense = features.new_zeros(5, 9, 11, 10)
    dense[:, *voxels.places.T] = features.T
    wanted = torch.nn.functional.conv3d(dense[None], layer.weight.permute(0, 4, 1, 2, 3), layer.bias, padding=kernel // 2)[0]
    assert torch.allclose(layer(features, voxels), wanted[:, *voxels.places.T].T, atol=1e-12)


def test_neighbors_do_not_reach_around_the_ends_of_rows() -> None:
    from reify.backend.networks.parts.sparse import Voxels

    corners = Voxels(torch.tensor(list(itertools.product((0, 9), repeat=3))))
    assert all(len(here) == 0 for here, _ in corners.neighbors)


@pytest.mark.parametrize("shift", [0, 2])
def test_attention_in_windows_is_that_of_each_window_alone(voxels, shift: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from reify.backend.networks.parts import sparse
    from reify.backend.networks.parts.attention import Attention

    monkeypatch.setattr(sparse, "TOKENS", 40)
    attention = _filled(Attention(12, 3, bias=True, normed=True))
    tokens = torch.randn(1, len(voxels), 12)
    found = attention(tokens, windows=sparse.Voxels(voxels.places).windows(4, shift))
    cubes = (voxels.places + shift) // 4
    for cube in cubes.unique(dim=0):
        inside = (cubes == cube).all(dim=1)
        assert torch.allclose(found[:, inside], attention(tokens[:, inside]), atol=1e-5)


def test_coarser_voxels_hold_means_and_finer_ones_eight_children_each(voxels) -> None:
    from reify.backend.networks.parts.sparse import averaged

    coarse, owner = voxels.coarser
    assert torch.equal(coarse.places[owner], voxels.places // 2)
    features = torch.randn(len(voxels), 2)
    means = averaged(features, owner, len(coarse))
    assert torch.allclose(means[3], features[owner == 3].mean(dim=0), atol=1e-6)
    children = voxels.finer.places.reshape(-1, 8, 3)
    assert torch.equal(children // 2, voxels.places[:, None].expand(-1, 8, -1))
    assert len(voxels.finer.places.unique(dim=0)) == 8 * len(voxels)


def test_group_normalization_is_over_all_voxels(voxels) -> None:
    from reify.backend.networks.parts.sparse import SparseGroupNorm

    features = 3 + 2 * torch.randn(len(voxels), 8)
    groups = SparseGroupNorm(2, 8)(features).reshape(-1, 2, 4)
    assert groups.mean(dim=(0, 2)).abs().max() < 1e-5 and (groups.std(dim=(0, 2)) - 1).abs().max() < 1e-2
