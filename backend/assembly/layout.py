"""Where things stand: anchored to what the sentence relates them to, carried by surfaces, moved apart until their boxes are free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..prompt.parsed import Entity, Parse, Relation
from ..shapes.catalogue import THINGS, thing
from ..shapes.solids import Shell
from ..values import Array
from . import heights
from .heights import Envelope

SIDES = {"left of": (-1.0, 0.0), "right of": (1.0, 0.0), "behind": (0.0, 1.0), "in front of": (0.0, -1.0)}
TURNED_ROUND = {"left of": "right of", "right of": "left of", "behind": "in front of", "in front of": "behind", "beside": "beside"}
SEATS = ("chair", "stool", "armchair", "bench")
WORN = ("hat", "top hat", "crown")  # go on top of whoever has them
CARRIERS = (  # things that are said to be "with" what stands on them
    *("table", "desk", "bookshelf", "cupboard", "nightstand", "dresser", "bench", "chair", "sofa", "bed", "stool", "rug", "plate", "cake"),
    *("cushion", "cart", "fireplace", "barrel", "crate", "island", "hill", "mountain"),
)
TERRAIN = ("hill", "mountain", "volcano", "island")  # things on it stand in it to their lowest corner
VARIED = ("tree", "pine", "palm", "bush", "flower", "rock", "mushroom", "grass", "cloud", "log", "cactus", "boulder", "stone")
CARRIED = 0.62  # of two things' largest sides: up to it the smaller one stands on the larger
GAP = 0.12  # between neighbors, of the smaller one's width
MARGIN = 1e-4  # meters by which boxes may meet
STEPS = 60  # tries of moving something further away
SPOTS = 2500  # places on a carrier that are tried


@dataclass
class Placed:
    """One instance of an entity."""

    entity: int
    shell: Shell
    position: Array  # [3]
    yaw: float = 0.0  # radians about Z
    scale: float = 1.0
    host: int = -1  # index of what carries, holds or covers it; -1 for the ground
    hold: str = ""  # "on", "in", "under" or "above" of the host
    _cached: tuple[float, float, Array, Array, Array] | None = field(default=None, repr=False)

    @property
    def shape(self) -> Array:
        """Its vertices turned and scaled, not yet moved, [V,3]."""
        if self._cached is None or self._cached[:2] != (self.yaw, self.scale):
            c, s = np.cos(self.yaw), np.sin(self.yaw)
            turned = self.shell.vertices @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) * self.scale
            self._cached = (self.yaw, self.scale, turned, turned.min(axis=0), turned.max(axis=0))
        return self._cached[2]

    @property
    def low(self) -> Array:
        """The least corner of its box, [3]."""
        _ = self.shape
        assert self._cached is not None
        low: Array = self._cached[3] + self.position
        return low

    @property
    def high(self) -> Array:
        """The greatest corner of its box, [3]."""
        _ = self.shape
        assert self._cached is not None
        high: Array = self._cached[4] + self.position
        return high

    @property
    def matrix(self) -> Array:
        """world_from_part, [4,4]."""
        c, s = np.cos(self.yaw) * self.scale, np.sin(self.yaw) * self.scale
        matrix = np.eye(4)
        matrix[:3, :3] = [[c, -s, 0], [s, c, 0], [0, 0, self.scale]]
        matrix[:3, 3] = self.position
        return matrix


@dataclass(frozen=True)
class Anchor:
    """How an entity comes to its place."""

    kind: str  # of the relation, or "flank": one instance on each side
    host: int  # entity


@dataclass
class _Plan:
    found: Parse
    shells: Sequence[Shell]
    rng: np.random.Generator
    placed: list[Placed] = field(default_factory=list)
    of: dict[int, list[int]] = field(default_factory=dict)  # entity -> its instances
    envelopes: dict[tuple[int, bool], Envelope] = field(default_factory=dict)


def lay_out(found: Parse, shells: Sequence[Shell], seed: int) -> list[Placed]:
    """Every instance of every entity at its place; the same for the same seed. `shells` has one for each entity, at its size."""
    plan = _Plan(found, shells, np.random.default_rng(seed))
    anchors = anchors_of(found)
    waiting = list(range(len(found.entities)))
    while waiting:
        ready = [i for i in waiting if i not in anchors or anchors[i].host in plan.of]
        # What stands on the ground comes first, so that nothing that is carried is in its way.
        entity = min(ready, key=lambda i: (i in anchors, anchors[i].kind in ("on", "in", "above") if i in anchors else False, i))
        waiting.remove(entity)
        if entity in anchors:
            _anchor(plan, entity, anchors[entity])
        else:
            _root(plan, entity)
    return plan.placed


def anchors_of(found: Parse) -> dict[int, Anchor]:
    """For each entity that isn't free what it is placed by: its first relation that makes no circle."""
    anchors: dict[int, Anchor] = {}

    def add(entity: int, kind: str, host: int) -> bool:
        above = host
        while above in anchors and above != entity:
            above = anchors[above].host
        if entity in anchors or above == entity:
            return False
        anchors[entity] = Anchor(kind, host)
        return True

    between = [relation for relation in found.relations if relation.kind == "between"]
    for relation in [relation for relation in found.relations if relation.kind != "between"]:
        for subject, kind, host in meant(relation, found.entities):
            if not add(subject, kind, host) and kind in TURNED_ROUND and anchors.get(subject) != Anchor(kind, host):
                add(host, TURNED_ROUND[kind], subject)
    for relation in between:
        if len(relation.objects) == 1:
            add(relation.objects[0], "flank", relation.subject)
        else:
            for other, side in zip(relation.objects, ("left of", "right of"), strict=False):
                add(other, side, relation.subject)
    return anchors


def meant(relation: Relation, entities: Sequence[Entity]) -> list[tuple[int, str, int]]:
    """A relation as (subject, kind, host) for each of its objects; "with" becomes what suits the two things' sizes."""
    if relation.kind != "with":
        return [(relation.subject, relation.kind, host) for host in relation.objects]
    return [(other, _suiting(entities[other], entities[relation.subject]), relation.subject) for other in relation.objects]


def is_terrain(entity: Entity) -> bool:
    """True for hills, mountains and islands, which are as large as what stands on them needs."""
    return entity.known and thing(entity.noun) in [THINGS[noun] for noun in TERRAIN]


def overlaps(a: Placed, b: Placed) -> bool:
    """True where two boxes share more than a margin."""
    margin = MARGIN + 0.01 * min(float((a.high - a.low).min()), float((b.high - b.low).min()))
    return bool((np.minimum(a.high, b.high) - np.maximum(a.low, b.low) > margin).all())


def may_overlap(placed: Sequence[Placed], first: int, second: int) -> bool:
    """True for what carries or holds the other, and for what is together in one vessel."""
    a, b = placed[first], placed[second]
    if first in hosts(placed, second) or second in hosts(placed, first):
        return True
    return a.host == b.host >= 0 and a.hold == b.hold == "in"


def hosts(placed: Sequence[Placed], index: int) -> list[int]:
    """What carries or holds an instance, and what carries that."""
    found = []
    while placed[index].host >= 0:
        index = placed[index].host
        found.append(index)
    return found


def _suiting(held: Entity, holder: Entity) -> str:
    size, room = _size(held), _size(holder)
    if holder.known and thing(holder.noun).open and size <= 3 * room:
        return "in"
    if held.noun in SEATS:
        return "around" if held.count > 1 else "beside"
    carries = holder.known and thing(holder.noun).make in [THINGS[noun].make for noun in CARRIERS]
    if size <= CARRIED * room and (carries or held.noun in WORN):
        return "on"
    return "beside"


def _size(entity: Entity) -> float:
    return thing(entity.noun).size_m if entity.known else 1.0


def _instances(plan: _Plan, entity: int, host: int = -1, hold: str = "") -> list[Placed]:
    """The instances of an entity around the origin, arranged as its words say."""
    of, shell = plan.found.entities[entity], plan.shells[entity]
    made = [Placed(entity, shell, np.zeros(3), host=host, hold=hold) for _ in range(of.count)]
    varied = thing(of.noun) in [THINGS[noun] for noun in VARIED if noun in THINGS]
    for item in made:
        if varied or (of.count > 1 and hold in ("on", "in")):
            item.yaw = float(plan.rng.uniform(0, 2 * np.pi))
        if varied and of.count > 1:
            item.scale = float(plan.rng.uniform(0.85, 1.1))
    width, depth, height = (shell.high - shell.low).tolist()
    usual = "stack" if of.noun == "book" and hold == "on" else "row" if of.count <= 4 else "group"
    arrangement = of.arrangement or usual
    if arrangement == "stack":
        for i, item in enumerate(made):
            item.position = np.array([*(plan.rng.uniform(-0.04, 0.04, 2) * (width, depth)), i * height])
            item.yaw = float(plan.rng.uniform(-0.2, 0.2))
    elif arrangement == "ring" and of.count > 2:
        radius = max(1.25 * max(width, depth), of.count * np.hypot(width, depth) * 1.1 / (2 * np.pi))
        for item, angle in zip(made, 2 * np.pi * np.arange(of.count) / of.count, strict=True):
            item.position = np.array([radius * np.cos(angle), radius * np.sin(angle), 0.0])
            item.yaw = float(angle - np.pi / 2)
    elif arrangement == "group" and of.count > 2:
        columns = int(np.ceil(np.sqrt(of.count)))
        pitch = np.hypot(width, depth) * 1.15
        for i, item in enumerate(made):
            cell = np.array([i % columns - (columns - 1) / 2, i // columns - (columns - 1) / 2 + 0.25 * (i % columns % 2)])
            item.position = np.array([*(pitch * (cell + plan.rng.uniform(-0.06, 0.06, 2))), 0.0])
    else:
        pitch = (np.hypot(width, depth) if varied else width) * (1 + GAP)
        for i, item in enumerate(made):
            item.position = np.array([(i - (of.count - 1) / 2) * pitch, 0.0, 0.0])
    for item in made:
        item.position[2] -= float(item.shape[:, 2].min())
    return made


def _keep(plan: _Plan, made: Sequence[Placed]) -> None:
    for item in made:
        plan.of.setdefault(item.entity, []).append(len(plan.placed))
        plan.placed.append(item)


def _root(plan: _Plan, entity: int) -> None:
    """To the right of what stands already; what belongs into the sky above it."""
    made = _instances(plan, entity)
    low, high = _box(made)
    place = thing(plan.found.entities[entity].noun).place
    others = [item for item in plan.placed]
    edge = max((float(item.high[0]) for item in others), default=0.0)
    alone = not others
    _move(made, (-(low[0] + high[0]) / 2 if alone else edge - low[0] + _gap(made, others), -(low[1] + high[1]) / 2, 0.0))
    if place in ("sky", "ceiling") and len(plan.found.entities) > 1:
        top = max((float(item.high[2]) for item in others), default=0.0)
        size = float((high - low).max())
        wide = float(np.mean([item.position[0] for item in others])) if others else 0.0
        lift = 2.2 if place == "ceiling" else max(1.3 * top, 1.5 * size)
        _move(made, (wide - float(np.mean([item.position[0] for item in made])), 0.0 if place == "ceiling" else size, lift))
        for item in made:
            item.hold = "above"
    _apart(plan, made, np.array([1.0, 0.0]))
    _keep(plan, made)


def _anchor(plan: _Plan, entity: int, anchor: Anchor) -> None:
    index = plan.of[anchor.host][0]
    if anchor.kind == "on":
        hosts_ = plan.of[anchor.host]
        top = max(float(plan.placed[i].low[2]) for i in hosts_)
        _put_on(plan, entity, [i for i in hosts_ if plan.placed[i].low[2] > top - MARGIN])  # of a stack the uppermost
    elif anchor.kind == "in":
        _put_in(plan, entity, plan.of[anchor.host])
    elif anchor.kind == "under":
        _put_under(plan, entity, index)
    elif anchor.kind == "above":
        made = _instances(plan, entity, index, "above")
        low, high = _box([plan.placed[i] for i in plan.of[anchor.host]])
        lift = max(0.15 * (high - low)[2], 0.3 * float(np.ptp(made[0].shape[:, 2])))
        _move(made, ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2] + lift))
        _keep(plan, made)
    elif anchor.kind == "around":
        _put_around(plan, entity, anchor.host)
    else:
        _put_aside(plan, entity, anchor)


def _put_on(plan: _Plan, entity: int, carriers: Sequence[int]) -> None:
    """Each instance, or a stack or row as a whole, on a flat place of the carriers, in turn."""
    made = _instances(plan, entity, carriers[0], "on")
    said = plan.found.entities[entity]
    whole = (bool(said.arrangement) or said.noun == "book") and len(made) > 1
    for turn, group in enumerate([made] if whole else [[item] for item in made]):
        index = carriers[turn % len(carriers)]
        carrier = plan.placed[index]
        low, high = _box(group)
        middle = (low + high) / 2
        size = (float(high[0] - low[0]), float(high[1] - low[1]))
        spots = heights.places(_envelope(plan, index), size, float(carrier.high[2] - carrier.low[2]))
        flat = [spot for spot in spots if spot[0] <= spots[0][0] + 1e-6]
        sunk = is_terrain(plan.found.entities[carrier.entity])
        if sunk:
            flat = []
            spots.sort(key=lambda spot: spot[1] ** 2 + spot[2] ** 2)  # the summit first
        if turn < len(carriers) and len(flat) > 3 and not whole:
            aim = flat[int(plan.rng.integers(max(1, len(flat) // 4)))]
            flat.sort(key=lambda spot: (spot[1] - aim[1]) ** 2 + (spot[2] - aim[2]) ** 2)
        for _cost, x, y, z in [*flat, *spots][:SPOTS]:
            if sunk:
                half = np.array(size) / 2
                z = float(np.nanmin(_envelope(plan, index).window(np.array([x, y]) - half, np.array([x, y]) + half)))
            for item in group:
                item.host = index
            shift = np.array([x - middle[0], y - middle[1], z]) + (*carrier.position[:2], carrier.position[2])
            _move(group, shift)
            if not _collides(plan, group):
                break
            _move(group, -shift)
        else:
            _cost, x, y, z = spots[0]
            _move(group, np.array([x - middle[0], y - middle[1], z]) + carrier.position)
        _keep(plan, group)


def _put_in(plan: _Plan, entity: int, holders: Sequence[int]) -> None:
    """Inside: heaped on the bottom of an open vessel; on end in it where they are long; in the middle of what is closed."""
    made = _instances(plan, entity, holders[0], "in")
    share = -(-len(made) // len(holders))
    for i, item in enumerate(made):
        index = holders[i // share]
        holder = plan.placed[index]
        item.host = index
        half = (holder.high - holder.low)[:2] / 2
        middle = (holder.low + holder.high)[:2] / 2 - holder.position[:2]
        size = np.ptp(item.shape, axis=0)
        if size[2] > (holder.high - holder.low)[2] and size[2] > 1.5 * float(size[:2].max()):  # flowers in a vase
            angle, radius, lift = 2 * np.pi * (i % share) / share, 0.25 * float(half.min()) * (share > 1), 0.0
        else:
            angle, radius, lift = _heaped(i % share, share, float(size[:2].max()), 0.82 * float(half.min()))
        place = middle + radius * np.array([np.cos(angle), np.sin(angle)])
        inner = _envelope(plan, index).window(place - 0.2 * size[:2], place + 0.2 * size[:2])
        is_open = thing(plan.found.entities[holder.entity].noun).open
        bottom = 0.0
        if is_open and np.isfinite(inner).any():
            floor = inner[inner <= np.nanmin(inner) + 0.5 * size[2]]  # not the handle above
            bottom = float(np.median(floor))
        item.position = holder.position + (*place, bottom + lift * float(size[2]) - float(item.shape[:, 2].min()))
    _keep(plan, made)


def _heaped(number: int, count: int, width: float, room: float) -> tuple[float, float, float]:
    """Angle, distance from the middle, and height in heights of one thing, of one of `count` in a heap inside a circle of radius `room`."""
    fitting = next((n for n, ratio in ((7, 1.5), (5, 1.35), (4, 1.21), (3, 1.08), (2, 1.0)) if room >= ratio * width), 1)
    layer, first = 0, 0
    while number >= first + fitting:
        first += fitting
        layer, fitting = layer + 1, max(1, fitting - 1 if fitting < 7 else 4)
    here = min(fitting, count - first)
    place = number - first
    if here == 1 or (here == 7 and place == 6):
        return 0.0, 0.0, 0.8 * layer
    ring = 6 if here == 7 else here
    return 2 * np.pi * place / ring + 0.6 * layer, width / (2 * np.sin(np.pi / ring)), 0.8 * layer


def _put_under(plan: _Plan, entity: int, index: int) -> None:
    """On the ground below the host, where it is high enough; else in the middle."""
    host = plan.placed[index]
    made = _instances(plan, entity, index, "under")
    low, high = _box(made)
    tall, half = float(high[2] - low[2]), (high - low)[:2] / 2
    below = _envelope(plan, index, upper=False)
    free: list[tuple[float, Array]] = []
    for i, j in np.argwhere(np.isfinite(below.z)):
        place = np.array(below.center(float(i), float(j)))
        window = below.window(place - half, place + half)
        if float(np.nanmin(window)) >= tall + MARGIN:
            free.append((float(np.hypot(*(place - below.low - np.array(below.z.shape) * below.cell / 2))), place))
    place = min(free, key=lambda found: found[0])[1] if free else (host.low + host.high)[:2] / 2 - host.position[:2]
    middle = (low + high)[:2] / 2
    _move(made, (*(host.position[:2] + place - middle), host.low[2]))
    _keep(plan, made)


def _put_around(plan: _Plan, entity: int, host: int) -> None:
    """On a ring about the host, facing it."""
    low, high = _box([plan.placed[i] for i in plan.of[host]])
    carrier = plan.placed[plan.of[host][0]].host if plan.placed[plan.of[host][0]].hold == "on" else -1
    made = _instances(plan, entity, carrier, "on" if carrier >= 0 else "")
    middle, half = (low + high)[:2] / 2, (high - low)[:2] / 2
    first = -np.pi / 2 if len(made) > 1 else float(plan.rng.uniform(-np.pi, 0))
    for i, item in enumerate(made):
        angle = first + 2 * np.pi * i / len(made)
        way = np.array([np.cos(angle), np.sin(angle)])
        item.yaw = float(angle - np.pi / 2)
        reach = min(half[k] / max(abs(way[k]), 1e-6) for k in range(2))
        size = np.ptp(item.shape, axis=0)
        if thing(plan.found.entities[host].noun) is not THINGS["table"]:
            reach = max(reach, 0.9 * float(half.max()))
        distance = reach + 0.5 * float(item.shell.high[1] - item.shell.low[1]) * item.scale * (1 + 2 * GAP)
        item.position = np.array([*(middle + distance * way), 0.0])
        _stand(plan, [item], carrier)
        for _ in range(STEPS):
            if not _collides(plan, [item]):
                break
            _move([item], (*(0.15 * float(size[:2].min()) * way), 0.0))
            _stand(plan, [item], carrier)
        _keep(plan, [item])


def _put_aside(plan: _Plan, entity: int, anchor: Anchor) -> None:
    """Left, right, behind, in front, beside, or one on each side."""
    near = [plan.placed[i] for i in plan.of[anchor.host]]
    carrier = near[0].host if near[0].hold == "on" else -1
    if carrier >= 0 and _size(plan.found.entities[entity]) > CARRIED * float((plan.placed[carrier].high - plan.placed[carrier].low).max()):
        near, carrier = [plan.placed[carrier]], -1
    made = _instances(plan, entity, carrier, "on" if carrier >= 0 else "")
    flank = anchor.kind == "flank" and len(made) > 1
    groups = [made[: len(made) // 2], made[len(made) // 2 :]] if flank else [made]
    for turn, group in enumerate(groups):
        sides = ("left of", "right of")
        kind = sides[turn] if flank else anchor.kind if anchor.kind in SIDES else sides[int(plan.rng.integers(2))]
        best = None
        for choice in (kind, *(sides if anchor.kind == "beside" else ())):
            _beside(plan, group, near, np.array(SIDES[choice]), carrier)
            best = choice
            if not _collides(plan, group) and (carrier < 0 or _supported(plan, group, carrier)):
                break
        assert best is not None
        _apart(plan, group, np.array(SIDES[best]), carrier)
        _keep(plan, group)


def _beside(plan: _Plan, made: Sequence[Placed], near: Sequence[Placed], way: Array, carrier: int) -> None:
    low, high = _box(made)
    host_low, host_high = _box(near)
    middle, host_middle = (low + high)[:2] / 2, (host_low + host_high)[:2] / 2
    distance = ((high - low) + (host_high - host_low))[:2] / 2 @ np.abs(way) + _gap(made, near)
    _move(made, (*(host_middle + way * distance - middle), 0.0))
    _stand(plan, made, carrier)


def _stand(plan: _Plan, made: Sequence[Placed], carrier: int) -> None:
    """Let things down onto their carrier, or onto the ground."""
    low = min(float(item.low[2]) for item in made)
    _move(made, (0.0, 0.0, (_top(plan, made, carrier) if carrier >= 0 else 0.0) - low))


def _top(plan: _Plan, made: Sequence[Placed], carrier: int) -> float:
    low, high = _box(made)
    host = plan.placed[carrier]
    window = _envelope(plan, carrier).window(low[:2] - host.position[:2], high[:2] - host.position[:2])
    known = window[np.isfinite(window)]
    return float(known.max() + host.position[2]) if len(known) else float(host.high[2])


def _supported(plan: _Plan, made: Sequence[Placed], carrier: int) -> bool:
    """True where the middle of each stands over its carrier."""
    host = plan.placed[carrier]
    return all((item.position[:2] > host.low[:2]).all() and (item.position[:2] < host.high[:2]).all() for item in made)


def _apart(plan: _Plan, made: Sequence[Placed], way: Array, carrier: int = -1) -> None:
    """Move things on until nothing is in their way."""
    low, high = _box(made)
    step = 0.12 * float((high - low)[:2] @ np.abs(way))
    for _ in range(STEPS):
        if not _collides(plan, made):
            return
        _move(made, (*(step * way), 0.0))
        if carrier >= 0:
            _stand(plan, made, carrier)


def _collides(plan: _Plan, made: Sequence[Placed]) -> bool:
    every = [*plan.placed, *made]
    count = len(plan.placed)
    return any(overlaps(every[i], every[j]) and not may_overlap(every, i, j) for j in range(count, len(every)) for i in range(count))


def _envelope(plan: _Plan, index: int, upper: bool = True) -> Envelope:
    if (index, upper) not in plan.envelopes:
        item = plan.placed[index]
        faces = item.shell.faces
        triangles = np.concatenate((faces[:, :3], faces[faces[:, 2] != faces[:, 3]][:, [0, 2, 3]]))
        plan.envelopes[index, upper] = heights.envelope(item.shape, triangles, upper)
    return plan.envelopes[index, upper]


def _box(made: Sequence[Placed]) -> tuple[Array, Array]:
    return np.min([item.low for item in made], axis=0), np.max([item.high for item in made], axis=0)


def _gap(made: Sequence[Placed], others: Sequence[Placed]) -> float:
    (low, high), (host_low, host_high) = _box(made), _box(others)
    return GAP * float(min((high - low)[:2].max(), (host_high - host_low)[:2].max())) + 0.01 * float((high - low)[:2].max())


def _move(made: Sequence[Placed], by: Sequence[float] | Array) -> None:
    for item in made:
        item.position = item.position + np.asarray(by, dtype=np.float64)
