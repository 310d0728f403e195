from __future__ import annotations

from dataclasses import replace

import pytest
from reify.backend.networks.library.catalog import ISNET, TRIPOSR
from reify.backend.networks.library.entry import Proof
from reify.bench._proofs import PROOFS, is_proven

ALL = {f"{name}_and_more": True for name in PROOFS}


@pytest.mark.parametrize("gone", PROOFS)
def test_a_model_without_real_weights_is_proven_by_keys_numbers_and_loader_together(gone: str) -> None:
    assert is_proven(TRIPOSR, ALL)
    assert not is_proven(TRIPOSR, {name: passed for name, passed in ALL.items() if not name.startswith(gone)})
    assert not is_proven(TRIPOSR, ALL | {f"{gone}_and_more": False})


def test_real_weights_have_to_have_run() -> None:
    assert is_proven(ISNET, {"test_the_subject": True})
    assert not is_proven(ISNET, {"test_the_subject": True, "test_without_a_network": False})
    assert not is_proven(ISNET, {})


def test_what_is_built_after_the_paper_is_never_called_proven() -> None:
    assert not is_proven(replace(TRIPOSR, proof=Proof.PAPER), ALL)
