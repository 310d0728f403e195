"""What a sentence claims, checked in the scene by geometry: things, counts, looks, relations; and that nothing overlaps or floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..prompt.parsed import Parse
from ..prompt.sentence import labels
from ..prompt.words import PLURAL
from ..values import Array, Part
from . import dress
from .layout import Placed, hosts, may_overlap, meant, overlaps

TOUCH = 0.02  # of a thing's height: what a thing may hover or sink
NEAR = 1.5  # of the larger one's width: how far away "beside" may be


def checked(found: Parse, placed: Sequence[Placed], parts: Mapping[int, Part]) -> dict[str, bool]:
    """Each claim as a sentence, and whether it holds; `parts` has one for each entity that was made."""
    names = labels(found)
    of = {entity: [i for i, item in enumerate(placed) if item.entity == entity] for entity in parts}
    claims: dict[str, bool] = {}
    for entity, part in parts.items():
        said = found.entities[entity]
        claims[f"{said.count} {names[entity]}"] = len(of[entity]) == said.count and len(part.mesh.faces) > 0
        if said.color or said.material:
            mains = [material for material in part.materials if dress.is_of(material, said.color, said.material)]
            claims[f"{names[entity]} is {' '.join(filter(None, (said.color, said.material)))}"] = bool(mains)
        for slot, value in said.parts:
            if slot != "content":
                claims[f"{slot} of {names[entity]} is {value}"] = any(
                    material.part == slot
                    and dress.is_of(material, "" if value in dress.COLOR_OF else value, value if value in dress.COLOR_OF else "")
                    for material in part.materials
                )
    for relation in found.relations:
        if relation.kind == "between" and relation.subject in of and all(other in of for other in relation.objects):
            claims[f"{names[relation.subject]} between {' and '.join(names[i] for i in relation.objects)}"] = _between(
                placed, of[relation.subject], [i for other in relation.objects for i in of[other]]
            )
            continue
        for subject, kind, host in meant(relation, found.entities):
            if kind != "between" and subject in of and host in of:
                claims[f"{names[subject]} {kind} {names[host]}"] = _holds(kind, placed, of[subject], of[host])
    for noun in found.absent:
        claims[f"no {noun}"] = all(part.noun != noun for part in parts.values())
    claims["nothing overlaps"] = not any(
        overlaps(placed[i], placed[j]) and not may_overlap(placed, i, j) for j in range(len(placed)) for i in range(j)
    )
    claims["nothing floats"] = all(_stands(placed, i) for i in range(len(placed)))
    return claims


def _holds(kind: str, placed: Sequence[Placed], subjects: Sequence[int], others: Sequence[int]) -> bool:
    if kind in ("on", "in"):
        return all(
            any(host in others for host in hosts(placed, i)) and (_carried(placed[i], placed[placed[i].host]) or _stacked(placed, i))
            for i in subjects
        )
    low, high = _box(placed, others)
    if kind == "around":
        ways = [np.arctan2(*(placed[i].position[:2] - (low + high)[:2] / 2)[::-1]) for i in subjects]
        gaps = np.diff(np.sort(ways), append=np.min(ways) + 2 * np.pi)
        return len(subjects) < PLURAL or float(gaps.max()) < np.pi
    own_low, own_high = _box(placed, subjects)
    middle, other = (own_low + own_high) / 2, (low + high) / 2
    if kind == "under":
        return bool(own_high[2] <= high[2] + 1e-6 and (np.abs(middle - other)[:2] <= (high - low)[:2] / 2).all())
    if kind == "above":
        return bool(own_low[2] >= high[2])
    if kind == "beside":
        gap = np.maximum(np.maximum(low - own_high, own_low - high), 0)[:2]
        return float(np.hypot(*gap)) <= NEAR * float(max((high - low)[:2].max(), (own_high - own_low)[:2].max()))
    axis, sign = {"left of": (0, -1), "right of": (0, 1), "behind": (1, 1), "in front of": (1, -1)}[kind]
    return bool(sign * (middle - other)[axis] > 0 and sign * (middle - other)[axis] >= abs((middle - other)[1 - axis]))


def _carried(item: Placed, host: Placed) -> bool:
    middle = (item.low + item.high)[:2] / 2
    over = bool((middle >= host.low[:2] - 1e-6).all() and (middle <= host.high[:2] + 1e-6).all())
    return over and bool(host.low[2] - 1e-6 <= item.low[2] <= host.high[2] + 1e-6)


def _between(placed: Sequence[Placed], subjects: Sequence[int], others: Sequence[int]) -> bool:
    xs = sorted(float(placed[i].position[0]) for i in others)
    return len(others) > 1 and all(xs[0] < float(placed[i].position[0]) < xs[-1] for i in subjects)


def _stands(placed: Sequence[Placed], index: int) -> bool:
    """True where a thing rests on the ground, is carried, or belongs above."""
    item = placed[index]
    if item.hold in ("above", "on", "in"):
        return True
    return abs(float(item.low[2])) <= TOUCH * float(item.high[2] - item.low[2]) or _stacked(placed, index)


def _stacked(placed: Sequence[Placed], index: int) -> bool:
    item = placed[index]
    reach = TOUCH * float(item.high[2] - item.low[2])
    same = [other for other in placed if other.entity == item.entity and other is not item]
    return any(abs(float(other.high[2] - item.low[2])) < reach for other in same)


def _box(placed: Sequence[Placed], indices: Sequence[int]) -> tuple[Array, Array]:
    return np.min([placed[i].low for i in indices], axis=0), np.max([placed[i].high for i in indices], axis=0)
