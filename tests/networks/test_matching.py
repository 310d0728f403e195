"""ALIKED and LightGlue: names and shapes of the published files, numbers of tiny ones against the originals, real pictures.

`data/networks/matching.safetensors` was written by the originals, Shiaoming/ALIKED 683d7c6 and cvg/LightGlue 1fd587b, at the sizes of the
shapes below with random weights, torchvision's deformable convolution as plain loops, and LightGlue's pruning off: their arrays, two
pictures, and what became of them; `features_N` and `assignment` are every fourth and fifth row and column.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify.backend.formats.images import read_image
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.networks.library.catalog import ALIKED_LIGHTGLUE

from .real import environment_with

torch = pytest.importorskip("torch")

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def original():
    from safetensors.torch import load_file

    return load_file(DATA / "networks" / "matching.safetensors")


@pytest.fixture(scope="module")
def aliked(original):
    from reify.backend.networks.aliked import Aliked, Shape, folded

    network = Aliked(Shape((4, 8, 8, 16), 16, 4))
    network.load_state_dict(folded(_named(original, "aliked.")))
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def lightglue(original):
    from reify.backend.networks.lightglue import LightGlue, Shape

    network = LightGlue(Shape(16, 24, 3, 2))
    named = _named(original, "lightglue.")
    network.load_state_dict({name: array for name, array in named.items() if name != "confidence_thresholds"})
    return network.eval().requires_grad_(False)


def _named(original, start: str):
    return {name.removeprefix(start): array for name, array in original.items() if name.startswith(start)}


@pytest.mark.parametrize("number", [0, 1])
def test_keypoints_and_descriptors_are_those_of_the_original(original, aliked, number: int) -> None:
    colors = original[f"picture_{number}"].permute(2, 0, 1)[None].float() / 255
    features, scores = aliked.maps(colors)
    rows, columns = torch.meshgrid(*(torch.arange(0, side, 4) for side in colors.shape[2:]), indexing="ij")
    found = features.at(columns.flatten(), rows.flatten()).reshape(-1, *rows.shape)
    torch.testing.assert_close(found, original[f"features_{number}"], rtol=0, atol=1e-4)
    torch.testing.assert_close(scores[0, 0], original[f"scores_{number}"], rtol=0, atol=1e-4)
    xy, descriptors, strength = aliked(colors, 5000)
    torch.testing.assert_close(xy, original[f"xy_{number}"], rtol=0, atol=1e-3)
    torch.testing.assert_close(descriptors, original[f"descriptors_{number}"], rtol=0, atol=1e-4)
    torch.testing.assert_close(strength, original[f"strength_{number}"], rtol=0, atol=1e-4)


def test_features_beyond_the_picture_are_zero_and_those_between_pixels_bilinear(original, aliked) -> None:
    features, _scores = aliked.maps(original["picture_0"].permute(2, 0, 1)[None].float() / 255)
    height, width = original["picture_0"].shape[:2]
    columns, rows = torch.tensor([-1, width, 3, 3]), torch.tensor([5, 5, -1, height])
    assert not features.at(columns, rows).any()
    one, two = features.at(torch.tensor([4, 5]), torch.tensor([7, 7])).T
    between = features.between(torch.tensor([[4.25, 7.0], [width - 0.5, 5.0]])).T
    torch.testing.assert_close(between[0], 0.75 * one + 0.25 * two)
    torch.testing.assert_close(between[1], 0.5 * features.at(torch.tensor([width - 1]), torch.tensor([5]))[:, 0])


def test_only_as_many_keypoints_are_kept_as_wanted_the_strongest_ones(original, aliked) -> None:
    colors = original["picture_0"].permute(2, 0, 1)[None].float() / 255
    xy, descriptors, _strength = aliked(colors, 20)
    assert xy.shape == (20, 2) and descriptors.shape == (20, 16)
    everyone = {tuple(place) for place in original["xy_0"].round(decimals=2).tolist()}
    assert {tuple(place) for place in xy.round(decimals=2).tolist()} <= everyone


def test_matches_are_those_of_the_original_with_all_layers_and_with_an_early_end(original, lightglue) -> None:
    pictures = [(original[f"xy_{number}"], original[f"descriptors_{number}"]) for number in (0, 1)]
    height, width = original["picture_0"].shape[:2]
    seen = []
    hook = lightglue.log_assignment[-1].register_forward_hook(lambda _module, _inputs, scores: seen.append(scores))
    pairs, likely = lightglue(*pictures, ((width, height), (width, height)), early=False)
    hook.remove()
    torch.testing.assert_close(seen[0][::5, ::5], original["assignment"], rtol=1e-4, atol=1e-3)
    assert pairs.tolist() == original["matches"].tolist()
    torch.testing.assert_close(likely, original["likely"], rtol=0, atol=1e-4)
    ended = []
    for number, layer in enumerate(lightglue.log_assignment):
        layer.register_forward_hook(lambda _module, _inputs, _scores, number=number: ended.append(number + 1))
    for layer in lightglue.token_confidence:
        layer.token[0].bias.data.fill_(6.0)  # as it was for the original
    pairs, likely = lightglue(*pictures, ((width, height), (width, height)))
    assert ended == [int(original["layers_early"])]
    assert pairs.tolist() == original["matches_early"].tolist()
    torch.testing.assert_close(likely, original["likely_early"], rtol=0, atol=1e-4)


def test_a_picture_without_keypoints_has_no_matches(lightglue) -> None:
    nothing, something = (torch.zeros(0, 2), torch.zeros(0, 16)), (torch.zeros(3, 2), torch.ones(3, 16))
    pairs, likely = lightglue(nothing, something, ((8, 8), (8, 8)))
    assert pairs.shape == (0, 2) and likely.shape == (0,)


def test_the_networks_have_as_many_parameters_as_their_entry_says() -> None:
    from reify.backend.networks.matching import Networks

    with torch.device("meta"):
        assert sum(each.numel() for each in Networks().parameters()) == ALIKED_LIGHTGLUE.parameters


def test_names_and_shapes_are_those_of_the_published_files() -> None:
    """The manifest's arrays go through what converts the files; what isn't of these networks is refused."""
    import json

    from reify.backend.networks.matching import Networks, arranged

    published = json.loads((DATA / "manifests" / "matching.json").read_text("utf-8"))
    files = {name: {key: torch.empty(shape, device="meta") for key, shape in arrays.items()} for name, arrays in published.items()}
    with torch.device("meta"):
        wanted = {name: array.shape for name, array in Networks().state_dict().items()}
    assert {name: array.shape for name, array in arranged(files).items()} == wanted
    del files["aliked_lightglue.pth"]["posenc.Wr.weight"]
    with pytest.raises(ValueError, match="other networks"):
        arranged(files)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment_with(ALIKED_LIGHTGLUE, tmp_path_factory.mktemp("matching"))


def test_what_is_shifted_and_turned_a_little_is_found_again(environment: Environment, data: Path) -> None:
    from PIL import Image
    from reify.backend.networks.matching import Matcher

    matcher = Matcher(Job(environment))
    picture = _photo(data)
    angle, shift = 8.0, (12.0, -7.0)
    turned = Image.fromarray(picture).rotate(angle, resample=Image.Resampling.BICUBIC, translate=shift)
    one, two = matcher.describe(picture), matcher.describe(np.asarray(turned))
    pairs = matcher.match(one, two)
    assert pairs.dtype == np.uint32 and len(pairs) > 100
    center = np.array([picture.shape[1] / 2, picture.shape[0] / 2]) - 0.5
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    expected = (one.xy.numpy()[pairs[:, 0]] - center) @ np.array([[cos, -sin], [sin, cos]]) + center + shift
    off_px = np.linalg.norm(expected - two.xy.numpy()[pairs[:, 1]], axis=1)
    assert np.median(off_px) < 1.0 and np.mean(off_px < 2.0) > 0.9


def test_what_a_mask_hides_has_no_keypoints(environment: Environment, data: Path) -> None:
    from reify.backend.networks.matching import Matcher

    picture = _photo(data)
    shown = np.zeros(picture.shape[:2], bool)
    shown[:, : picture.shape[1] // 2] = True
    found = Matcher(Job(environment)).describe(picture, shown)
    assert len(found.xy) and float(found.xy[:, 0].max()) < picture.shape[1] // 2


def _photo(data: Path) -> np.ndarray:
    return read_image(sorted((data / "banana" / "images").iterdir())[0], 320)[..., :3]
