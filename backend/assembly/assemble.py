"""From a parse to a scene: things at their sizes, dressed, laid out, checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..prompt import editing, lexicon, sentence
from ..prompt.meaning import meaning_of
from ..prompt.parsed import Entity, Parse
from ..prompt.words import MOST, SIZES, STRETCHES
from ..shapes import catalogue
from ..shapes.solids import Shell, scaled
from ..values import Array, Mesh, Part, Scene
from . import claims, dress
from .layout import Placed, is_terrain, lay_out, meant
from .voxels import voxelized

FITS, LEAST_SHRUNK = 0.62, 0.2  # width of what lies in a vessel, in the vessel's; and how much smaller it is made at most
FILLED, WIDEST = 0.25, 1.6  # share of a carrier's area that things on it cover; and how much larger it is made for them at most
TOY_M = 0.3  # the longest side of a toy
LARGER = 1.4  # least size of what is called large, in that of what is called small beside it
ROOM = 2.6  # width of terrain, in widths of what stands on it


def assemble(text: str, style: str, seed: int, reading: str = "", *, job: Job) -> Scene:
    """The scene of a sentence; `style` overrides its own where it isn't empty. Deterministic.

    `reading` is what was understood of this sentence, as `editing.as_text` writes it; of another sentence it is passed over. Without one,
    and where MiniLM's weights are on this machine, nouns that WordNet leads to nothing with are looked up by their meaning. Raises
    ReifyError where the sentence names nothing that there is.
    """
    things = catalogue.sizes()
    edited = editing.from_text(reading, things) if reading else None
    is_edited = edited is not None and edited.sentence == text
    meaning = None if is_edited else meaning_of(things, job)
    whole = edited if edited is not None and is_edited else sentence.parse(text, things, meaning)
    missing = sentence.unknown(whole, things, meaning)
    found = editing.only(whole, [i for i, entity in enumerate(whole.entities) if entity.known])
    if not found.entities:
        raise ReifyError(" ".join(missing), "Name one of those, or something else.")
    for said in missing:
        job.warn(said)
    for noun, (thing, likeness) in (meaning.taken if meaning else {}).items():
        job.record_choice(noun, f"{thing}, which means nearly the same: a similarity of {likeness:.2f} by MiniLM")
    if (count := sum(entity.count for entity in found.entities)) > MOST:
        raise ReifyError(f"The sentence asks for {count} things.", f"Ask for at most {MOST}.")
    shells = []
    for i, entity in enumerate(found.entities):
        job.progress(0.6 * i / len(found.entities), entity.noun)
        shells.append(_shell(entity, _is_filled(found, i), seed + i))
    _contrast(found, shells)
    _widen_terrain(found, shells)
    _fit(found, shells, job)
    job.progress(0.6, "layout")
    placed = lay_out(found, shells, seed)
    style = style or found.style
    names = sentence.labels(found)
    instances = [[item for item in placed if item.entity == i] for i in range(len(found.entities))]
    styles = [entity.style or style for entity in found.entities]
    sizes = [float((shell.high - shell.low).max()) for shell in shells]
    shares = [size / max(sizes) for size in sizes]
    parts = {i: _part(names[i], entity, shells[i], instances[i], styles[i], shares[i]) for i, entity in enumerate(found.entities)}
    hosts = {item.entity: placed[item.host].entity for item in placed if item.host >= 0 and item.hold in ("on", "in")}
    parts = {i: replace(part, parent=names[hosts[i]] if i in hosts else "") for i, part in parts.items()}
    job.progress(0.9, "checking")
    held = claims.checked(found, placed, parts)
    for claim, right in held.items():
        if not right:
            job.warn(f"This isn't so in the scene: {claim}.")
    return Scene(tuple(parts.values()), style, sentence.outline(whole), held, editing.as_text(found))


def remade(reading: str, style: str, name: str, seed: int, *, noun: str = "", share: float = 1.0) -> Part:
    """One thing of a sentence's scene once more, in its own frame at the origin: with another seed, or another thing of the catalogue.

    `reading` is the scene's, `name` the part's, `noun` what it shall be (empty keeps it), `share` its size in that of the largest thing,
    for voxels. Raises ReifyError where the scene has no such part, or there is no such thing.
    """
    things = catalogue.sizes()
    found = editing.from_text(reading, things)
    names = sentence.labels(found)
    if name not in names:
        raise ReifyError(f"The scene has no {name}.", "Generate the scene again.")
    index = names.index(name)
    entity = found.entities[index]
    if noun:
        known = lexicon.thing_called(noun.strip().lower(), things)
        if not known:
            near = lexicon.nearest(noun.strip().lower(), things)
            raise ReifyError(f"I have no {noun}.", f"Nearest are {', '.join(near)}." if near else "Name another thing.")
        entity = replace(entity, noun=known)
    shell = _shell(entity, _is_filled(found, index), seed)
    return _part(name, entity, shell, [Placed(index, shell, np.zeros(3))], entity.style or style or found.style, share)


def _contrast(found: Parse, shells: list[Shell]) -> None:
    """Let what is called large beside something small be the larger one: a gigantic mushroom next to a tiny house."""
    for relation in found.relations:
        for pair in ((relation.subject, other) for other in relation.objects):
            small, large = sorted(pair, key=lambda i: SIZES.get(found.entities[i].size, 1.0))
            said = [SIZES.get(found.entities[i].size, 1.0) for i in (small, large)]
            sizes = [float((shells[i].high - shells[i].low).max()) for i in (small, large)]
            if said[0] < 1.0 < said[1] and sizes[1] < LARGER * sizes[0]:
                factor = float(np.sqrt(LARGER * sizes[0] / sizes[1]))
                shells[small], shells[large] = scaled(shells[small], 1 / factor), scaled(shells[large], factor)


def _widen_terrain(found: Parse, shells: list[Shell]) -> None:
    """Let hills and islands be several times as wide as what stands on them."""
    for relation in found.relations:
        for subject, kind, host in meant(relation, found.entities):
            if kind == "on" and is_terrain(found.entities[host]):
                room, load = (float((shells[i].high - shells[i].low)[:2].max()) for i in (host, subject))
                shells[host] = _leveled(scaled(shells[host], max(1.0, ROOM * load / room)), 0.55 * load)


def _fit(found: Parse, shells: list[Shell], job: Job) -> None:
    """Let what carries much be wider, and what doesn't go into its vessel smaller; what was made smaller is told."""
    loads: dict[int, float] = {}
    names = sentence.labels(found)
    for relation in found.relations:
        for subject, kind, host in meant(relation, found.entities):
            of, size, room = found.entities[subject], shells[subject].high - shells[subject].low, shells[host].high - shells[host].low
            if kind == "on" and not is_terrain(found.entities[host]) and of.arrangement != "stack" and of.noun != "book":
                loads[host] = loads.get(host, 0.0) + of.count * float(size[0] * size[1])
            wide = float(size[:2].max()) / float(room[:2].min())
            fits = FITS / max(1.0, np.sqrt(of.count) / 1.2)
            if kind == "in" and catalogue.thing(found.entities[host].noun).open and LEAST_SHRUNK * wide < fits < wide and wide > FITS:
                shells[subject] = scaled(shells[subject], fits / wide)
                job.warn(f"{names[subject].capitalize()} is made smaller, to fit into {names[host]}.")
    for host, load in loads.items():
        room = shells[host].high - shells[host].low
        shells[host] = scaled(shells[host], float(np.clip(np.sqrt(load / (FILLED * float(room[0] * room[1]))), 1.0, WIDEST)))


def _leveled(shell: Shell, radius: float) -> Shell:
    """Terrain with a level place of a radius on its summit, which blends into the slopes over half as much again."""
    away = np.hypot(shell.vertices[:, 0], shell.vertices[:, 1])
    soil = [i for i, slot in enumerate(shell.slots) if slot.part in ("ground", "body", "snow")]
    top = np.zeros(len(away), dtype=bool)
    top[shell.faces[np.isin(shell.slot, soil)]] = True
    top &= shell.vertices[:, 2] > 0.05 * float(shell.vertices[top][:, 2].max())
    level = float(np.median(shell.vertices[(away <= radius) & top][:, 2])) if ((away <= radius) & top).any() else float(shell.high[2])
    share = np.clip((1.5 - away / radius) / 0.5, 0, 1) * top
    vertices = shell.vertices.copy()
    vertices[:, 2] += share * (level - vertices[:, 2])
    return replace(shell, vertices=vertices)


def _is_filled(found: Parse, entity: int) -> bool:
    return any(
        (relation.kind == "in" and entity in relation.objects) or (relation.kind == "with" and relation.subject == entity)
        for relation in found.relations
    )


def _shell(entity: Entity, filled: bool, seed: int) -> Shell:
    of = catalogue.thing(entity.noun)
    options = dict(of.opened) if filled else {}
    if "round" in entity.traits and of.make is catalogue.THINGS["table"].make and not of.options.get("drawers"):
        options |= {"top": "round", "width": 1.1}
    if "round" in entity.traits and entity.noun == "shield":
        options["round_"] = True
    shell = catalogue.build(entity.noun, seed, **options)
    if entity.style == "toy":
        shell = scaled(shell, min(1.0, TOY_M / of.size_m))
    shell = scaled(shell, SIZES.get(entity.size, 1.0))
    shell = scaled(shell, *STRETCHES.get(entity.stretch, (1.0, 1.0, 1.0)))
    if entity.length_m is not None:
        axis = "xyz".index(entity.length_m[0])
        shell = scaled(shell, entity.length_m[1] / float((shell.high - shell.low)[axis]))
    return shell


def _part(name: str, entity: Entity, shell: Shell, placed: list[Placed], style: str, share: float) -> Part:
    mesh, slot = as_mesh(shell)
    if style == "voxel":
        mesh, slot = voxelized(mesh, slot, share)
    source = catalogue.thing(entity.noun).source
    return Part(
        name=name,
        noun=entity.noun,
        mesh=mesh,
        material_of_face=slot,
        materials=tuple(dress.material(found, entity) for found in shell.slots),
        world_from_part=np.stack([item.matrix for item in placed]),
        style=entity.style,
        source=source.title,
        author=source.author,
        license=source.license,
    )


def as_mesh(shell: Shell) -> tuple[Mesh, Array]:
    """A shell as a mesh, quads first, and the slot of each triangle, [F] int32."""
    is_quad = shell.faces[:, 2] != shell.faces[:, 3]
    quads, triangles = shell.faces[is_quad], shell.faces[~is_quad]
    faces = np.concatenate((quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3), triangles[:, :3])).astype(np.int32)
    uvs = np.concatenate((shell.uvs[is_quad][:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3, 2), shell.uvs[~is_quad][:, :3])).astype(np.float32)
    slot = np.concatenate((np.repeat(shell.slot[is_quad], 2), shell.slot[~is_quad])).astype(np.int32)
    return Mesh(shell.vertices.astype(np.float32), faces, uvs, quads=len(quads)), slot
