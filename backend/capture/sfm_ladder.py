"""The ladder of structure from motion: what is tried first, and what next where photos are left without a camera."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SMALL_PX = 900  # long side below which features are also sought at twice the size
EXHAUSTIVE_UP_TO = 80
FEW = 24  # photos of which all pairs cost nothing


@dataclass(frozen=True)
class Rung:
    """One attempt; the mappings are pycolmap's options as far as they differ from its defaults."""

    name: str  # for the report
    below: float  # tried where less than this share of the photos has a camera
    features: Mapping[str, Any]
    every_pair: bool  # otherwise pairs in which a few large features match
    matching: Mapping[str, Any] = field(default_factory=dict)
    verification: Mapping[str, Any] = field(default_factory=dict)
    mapper: str = "incremental"
    mapping: Mapping[str, Any] = field(default_factory=dict)
    learned: bool = False  # features and matches by pretrained networks are added to those of the best attempt

    @property
    def key(self) -> str:
        """Names the database; rungs that differ only in how they place the photos share one."""
        parts = json.dumps(
            [dict(self.features), self.every_pair, dict(self.matching), dict(self.verification), self.learned], sort_keys=True
        )
        return hashlib.sha256(parts.encode()).hexdigest()[:12]


MAPPING = {
    "multiple_models": True,
    "max_num_models": 3,
    "min_model_size": 3,
    "extract_colors": True,
    "ba_global_frames_ratio": 1.3,
    "ba_global_points_ratio": 1.3,
    "ba_global_max_refinements": 3,
}
LOOSE = {
    **MAPPING,
    "min_num_matches": 10,
    "mapper": {
        "init_min_num_inliers": 40,
        "init_min_tri_angle": 4.0,
        "abs_pose_min_num_inliers": 15,
        "abs_pose_min_inlier_ratio": 0.15,
        "filter_min_tri_angle": 1.0,
        "max_reg_trials": 6,
    },
}
LOOSE_VERIFICATION = {"min_num_inliers": 10}


def rungs(long_side_px: int, most_features: int, every_pair: bool) -> tuple[Rung, ...]:
    """The attempts in their order; each is more patient than the one before."""
    octave = -1 if long_side_px < SMALL_PX else 0
    plain = {"first_octave": octave, "max_num_features": most_features}
    # Twice the features at four times lower contrast; another octave would cost five times as much for the same gain.
    fine = {"first_octave": octave, "max_num_features": 2 * most_features, "peak_threshold": 0.0016}
    affine = {**plain, "peak_threshold": 0.0033, "estimate_affine_shape": True, "domain_size_pooling": True, "dsp_num_scales": 5}
    guided = {"guided_matching": True}
    return (
        Rung("plain SIFT", 1.0, plain, every_pair, mapping=MAPPING),
        Rung("plain SIFT with a looser mapper", 1.0, plain, every_pair, mapping=LOOSE),
        Rung("more and fainter features", 0.9, fine, True, {}, LOOSE_VERIFICATION, mapping=LOOSE),
        Rung("affine features with domain-size pooling, guided matching", 0.7, affine, True, guided, LOOSE_VERIFICATION, mapping=LOOSE),
        Rung("affine features and the global mapper", 0.7, affine, True, guided, LOOSE_VERIFICATION, "global", {"min_num_matches": 10}),
        Rung("SIFT, with LightGlue for the photos that it left", 1.0, {}, True, {}, LOOSE_VERIFICATION, mapping=LOOSE, learned=True),
    )
