"""Memory of networks: planned before they start, weights held smaller where it is short or fails, and that is said."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.networks.library.catalog import TRELLIS, TRIPOSR
from reify.backend.networks.library.entry import Stage
from reify.backend.networks.memory import ON_PROCESSOR, fitting, least_bytes, plan

torch = pytest.importorskip("torch")

FULL, HALF, EIGHT = ON_PROCESSOR
STAGE = Stage("all of it", 1_000_000, working_bytes=100_000)


def test_the_largest_way_that_fits_comes_first() -> None:
    assert fitting(STAGE, ON_PROCESSOR, 5_000_000) == ON_PROCESSOR
    assert fitting(STAGE, ON_PROCESSOR, 3_000_000) == (HALF, EIGHT)
    assert fitting(STAGE, ON_PROCESSOR, 1_200_000) == fitting(STAGE, ON_PROCESSOR, 10) == (EIGHT,)


def test_the_plan_is_one_sentence_with_figures() -> None:
    assert plan("TripoSR", TRIPOSR.plan, 8 * 10**9) == "TripoSR takes up to 2.5 GB of memory; 8.0 GB are free."
    said = plan("TripoSR", TRIPOSR.plan, 2 * 10**9)
    assert said == "TripoSR takes up to 1.6 GB of memory, with weights as float16 (slower), because 2.0 GB are free."
    assert "int8" in plan("TRELLIS", TRELLIS.plan, 5_100_000_000)
    assert least_bytes(TRIPOSR.plan) < 1.3e9 < 2.4e9 < FULL.of(TRIPOSR.plan[0])


@pytest.fixture
def saved(tmp_path):
    """A network with every kind of layer that has a matrix, and its weights in a file."""
    from reify.backend.networks.parts.sparse import SparseConvolution
    from safetensors.torch import save_file
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.norm, self.leave = nn.Linear(96, 96), nn.LayerNorm(96), nn.Linear(96, 64)
            self.sparse = SparseConvolution(64, 64)
            self.planes = nn.Parameter(torch.empty(64, 64))

        def forward(self, tokens, voxels):
            made = self.leave(self.norm(torch.relu(self.enter(tokens))))
            return self.sparse(made, voxels) @ self.planes

    torch.manual_seed(0)
    network = Network()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    save_file({name: array.half() for name, array in network.state_dict().items()}, tmp_path / "network.safetensors")
    return Network, tmp_path / "network.safetensors"


def bytes_of(network) -> int:
    """What a network's arrays take, and what holds its matrices."""
    arrays = list(network.state_dict().values())
    for layer in network.modules():
        for hook in layer._forward_pre_hooks.values():
            arrays += [each for each in (hook.__self__.small, hook.__self__.scale) if each is not None]
    return sum(each.untyped_storage().nbytes() for each in arrays)


@pytest.mark.parametrize(("way", "share", "error"), [(HALF, 0.62, 0.0), (EIGHT, 0.36, 0.015)])
def test_weights_held_smaller_give_nearly_the_same_numbers(saved, way, share: float, error: float) -> None:
    from reify.backend.networks import running
    from reify.backend.networks.parts.sparse import Voxels

    make, path = saved
    places = torch.from_numpy(np.argwhere(np.ones((4, 4, 4), bool)))
    tokens = torch.randn(64, 96)
    usual, small = (running.built(make, path, torch.device("cpu"), way=each) for each in (FULL, way))
    with torch.inference_mode():
        wanted, found, again = usual(tokens, Voxels(places)), small(tokens, Voxels(places)), small(tokens, Voxels(places))
    assert (found - wanted).square().mean().sqrt() <= error * wanted.std() and torch.equal(found, again) and found.dtype == torch.float32
    assert bytes_of(small) < share * bytes_of(usual)


def test_memory_that_fails_is_answered_by_a_smaller_way_and_the_report_says_so() -> None:
    from reify.backend.networks.holding import within_memory

    asked = []

    def use(way):
        asked.append(way)
        if way is not EIGHT:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")
        return "made"

    job = Job(Environment(device="cpu"))
    assert within_memory("Tiny", STAGE, torch.device("cpu"), job, use) == "made"
    assert asked == list(ON_PROCESSOR)
    assert (
        job.report.choices["weights of Tiny, all of it"] == "held as int8, slower, and a little less exact, because memory ran out before"
    )


def test_a_plan_within_little_memory_begins_small_and_none_at_all_is_one_sentence() -> None:
    from reify.backend.networks.holding import within_memory

    def failing(way):
        raise MemoryError

    job = Job(Environment(device="cpu", memory_bytes=3_000_000))
    assert within_memory("Tiny", STAGE, torch.device("cpu"), job, lambda way: way) is HALF
    assert "because 0.0 GB of memory were free" in job.report.choices["weights of Tiny, all of it"]
    with pytest.raises(ReifyError, match="Tiny needs about 0.0 GB of memory at the least"):
        within_memory("Tiny", STAGE, torch.device("cpu"), job, failing)
    with pytest.raises(RuntimeError, match="shapes"):
        within_memory("Tiny", STAGE, torch.device("cpu"), job, lambda way: (_ for _ in ()).throw(RuntimeError("shapes don't fit")))
