"""Latent sets: order says nothing, places are independent, gradients are those of differences, and a ball can be learned."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")


def _filled(module, spread: float = 0.2):
    torch.manual_seed(3)
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=spread)
    return module.double()


def test_places_become_themselves_and_waves_of_octaves() -> None:
    from reify.backend.networks.parts.latent_sets import WAVES, PlaceEmbedding

    embed = PlaceEmbedding(3 + 6 * WAVES).double()
    with torch.no_grad():
        embed.enter.weight.copy_(torch.eye(3 + 6 * WAVES))
        embed.enter.bias.zero_()
    place = torch.tensor([[[0.5, 0.0, -0.25]]], dtype=torch.float64)
    found = embed(place)[0, 0]
    assert torch.equal(found[:3], place[0, 0])
    sines = found[3 : 3 + 3 * WAVES].reshape(3, WAVES)
    assert sines[0, 0].item() == pytest.approx(1.0) and sines[0, 1].item() == pytest.approx(0.0, abs=1e-12)
    assert sines[2, 0].item() == pytest.approx(-math.sqrt(0.5)) and sines[2, 1].item() == pytest.approx(-1.0)


def test_the_order_of_points_does_not_matter_but_their_places_do() -> None:
    from reify.backend.networks.parts.latent_sets import PointEncoder

    encoder = _filled(PointEncoder(5, 12, 2, 3))
    points = torch.rand(2, 40, 3, dtype=torch.float64) * 2 - 1
    latents = encoder(points)
    assert latents.shape == (2, 5, 12)
    assert torch.allclose(latents, encoder(points[:, torch.randperm(40)]), atol=1e-12)
    assert not torch.allclose(latents[0], latents[1], atol=1e-3)


def test_a_place_answers_for_itself_and_by_the_whole_set_in_any_order() -> None:
    from reify.backend.networks.parts.latent_sets import SetDecoder

    decoder = _filled(SetDecoder(12, 3))
    latents = torch.randn(2, 7, 12, dtype=torch.float64)
    places = torch.rand(2, 9, 3, dtype=torch.float64) * 2 - 1
    logits = decoder(latents, places)
    assert logits.shape == (2, 9)
    assert torch.allclose(logits[:, 4:6], decoder(latents, places[:, 4:6]), atol=1e-12)
    assert torch.allclose(logits, decoder(latents[:, torch.randperm(7)], places), atol=1e-12)


def test_one_context_token_is_looked_at_whatever_the_query() -> None:
    from reify.backend.networks.parts.latent_sets import Looking

    look = _filled(Looking(8, 2))
    with torch.no_grad():
        look.feed.leave.weight.zero_()
        look.feed.leave.bias.zero_()
    tokens, context = torch.randn(1, 6, 8, dtype=torch.float64), torch.randn(1, 1, 8, dtype=torch.float64)
    added = look(tokens, context) - tokens  # softmax over one token is 1
    wanted = look.attend.out(look.attend.value(look.norm_context(context)))
    assert torch.allclose(added, wanted.expand_as(added), atol=1e-12)


def test_gradients_are_those_of_differences() -> None:
    from reify.backend.networks.parts.latent_sets import PointEncoder, SetDecoder

    encoder, decoder = _filled(PointEncoder(3, 4, 1, 2)), _filled(SetDecoder(4, 2))
    points = (torch.rand(1, 5, 3, dtype=torch.float64) * 2 - 1).requires_grad_()
    places = (torch.rand(1, 2, 3, dtype=torch.float64) * 2 - 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda points, places: decoder(encoder(points), places), (points, places), atol=1e-6)


def test_a_set_learns_to_tell_a_small_ball_from_a_large_one() -> None:
    from reify.backend.networks.parts.latent_sets import PointEncoder, SetDecoder

    torch.manual_seed(0)
    encoder, decoder = PointEncoder(4, 32, 1, 2), SetDecoder(32, 2)
    torch.nn.init.normal_(encoder.gather.queries, std=0.1)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 3e-3)
    radii = torch.tensor([0.3, 0.8])

    def asked() -> tuple[torch.Tensor, torch.Tensor]:
        surface = torch.nn.functional.normalize(torch.randn(2, 64, 3), dim=-1) * radii[:, None, None]
        places = torch.rand(2, 256, 3) * 2 - 1
        return decoder(encoder(surface), places), (places.norm(dim=-1) < radii[:, None]).float()

    for _ in range(150):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(*asked())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits, inside = asked()
    assert ((logits > 0) == (inside > 0.5)).float().mean() > 0.93
