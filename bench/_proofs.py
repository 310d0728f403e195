"""Which models are proven: tests of the full model's names and shapes, of numbers against the original, and of the loader, run just now."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

from ..backend.networks.library.entry import Entry, Proof

TESTS = Path(__file__).resolve().parents[1] / "tests" / "networks"
PROOFS = (  # what tests of a model whose weights can't be had are called
    "test_names_and_shapes_are_those_of_the_published_checkpoint",
    "test_numbers_agree_with_the_original",
    "test_a_checkpoint_in_the_published_layout",
)


def proven_by_tests(entry: Entry) -> bool:
    """Whether the tests of an entry's network, run now, say so."""
    return is_proven(entry, _outcomes(TESTS / f"test_{entry.converts or entry.id}.py"))


def is_proven(entry: Entry, outcomes: Mapping[str, bool]) -> bool:
    """Whether tests say so; `outcomes` tells of each by its name whether it ran and passed.

    Real weights have to have run in every test; without them keys, numbers and the loader each take a test of their own.
    """
    if not outcomes or not all(outcomes.values()) or entry.proof is Proof.PAPER:
        return False
    return entry.proof is Proof.REAL_WEIGHTS or all(any(name.startswith(proof) for name in outcomes) for proof in PROOFS)


def _outcomes(tests: Path) -> dict[str, bool]:
    """Of a file's tests, by their names; none where there is no such file."""
    if not tests.exists():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", str(tests)], capture_output=True)
        return {case.attrib["name"]: len(case) == 0 for case in ElementTree.parse(report).iter("testcase")}
