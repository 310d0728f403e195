"""Triplanes against a linear field, and a batch against its members."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def test_planes_of_a_linear_field_give_it_back() -> None:
    from reify.backend.networks.parts.triplanes import AXES, features_at

    side = 8
    middles = (torch.arange(side, dtype=torch.float64) + 0.5) / side * 2 - 1
    planes = torch.stack([middles[None, :].expand(side, side), middles[:, None].expand(side, side)])  # across, down
    points = torch.rand(20, 3, dtype=torch.float64) * 1.6 - 0.8
    found = features_at(planes.expand(3, -1, -1, -1), points)
    wanted = torch.cat([points[:, list(pair)] for pair in AXES], dim=1)
    assert torch.allclose(found, wanted, atol=1e-12)


def test_a_batch_is_its_members() -> None:
    from reify.backend.networks.parts.triplanes import features_at

    planes, points = torch.randn(2, 3, 5, 4, 6), torch.rand(2, 7, 3) * 2 - 1
    found = features_at(planes, points)
    assert found.shape == (2, 7, 15)
    for index in range(2):
        assert torch.allclose(found[index], features_at(planes[index], points[index]), atol=1e-6)
