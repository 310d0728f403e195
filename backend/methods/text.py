"""From Text: a sentence becomes a scene of things at their real sizes, of parametric shapes, or a network's object."""

from __future__ import annotations

from dataclasses import dataclass

from ..assembly.assemble import assemble
from ..errors import ReifyError
from ..jobs.forecast import Expected
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..jobs.needs import Memory, Needs
from ..mesh.cleaning import MeshSettings, clean
from ..networks.library.catalog import CLIP, POINT_E_TEXT
from ..networks.library.places import as_need
from ..networks.points import POINTS_PEAK_BYTES, PointSettings, points_of_seen, seen_in_sentence
from ..prompt.sentence import real_size
from ..settings import group, option
from ..shapes import catalogue
from ..surface.learned import mesh_of_points
from ..values import Mesh, Result, Sentence
from . import Method

STAGE = "Assembling"
READING, MAKING, EXTRACTING, CLEANING = "Reading the sentence", "Making points", "Extracting surface", "Cleaning mesh"  # by a network
UNKNOWN_M = 1.0  # size of an object that the catalogue doesn't know
NAME_CHARACTERS = 40  # of the scene's name, which is the beginning of the sentence
STYLES = {
    "as said": "What the sentence asks for; realistic where it asks for none",
    "realistic": "Wood, metal, glass and stone as they are",
    "toy": "Smooth, shiny plastic",
    "clay": "One matte clay",
    "low poly": "Few flat faces in even colors",
    "voxel": "Cubes",
    "toon": "Three steps of light",
    "wireframe": "Edges alone",
    "old": "Dusty, worn and rusty",
}


MODELS = {
    "assemble": "A scene of things from Reify's own shapes, at once and with nothing downloaded",
    "point-e": "One object that networks imagine by the sentence, another one by each seed; minutes without a graphics card",
}


@dataclass(frozen=True)
class Settings:
    """What is to be made, by what, and in which style."""

    text: str = option("", "What to make, in a sentence: a red apple on a wooden table")
    model: str = option("assemble", "What makes it", choices=MODELS, label="Made By")
    style: str = option("as said", "Materials and geometry of everything in the scene; a model is told it in words", choices=STYLES)
    size_m: float = option(
        0.0,
        "Width or height of a model's object, whichever is larger; 0 is the real size of the thing, where it is known",
        low=0.0,
        high=1000.0,
        unit="m",
    )
    faces: int = option(20_000, "About how many faces a model's object gets", low=200, high=300_000)
    reading: str = option("", "What was understood of this sentence and changed by hand, as JSON; empty reads the sentence", advanced=True)
    point_e: PointSettings = group(PointSettings, "Point-E")


def run(inputs: Sentence, settings: Settings, job: Job) -> Result:
    """A sentence in, a scene out, or an object of a model; raises ReifyError where it names nothing that there is."""
    if not settings.text.strip():
        raise ReifyError("There is no sentence.", "Write what to make, such as: a red apple on a wooden table.")
    name = inputs.name or _name(settings.text)
    if settings.model == "point-e":
        return Result(name=name, report=job.report, mesh=_of_point_e(settings, job))
    style = "" if settings.style == "as said" else settings.style
    scene = job.stage(STAGE, apart(assemble), settings.text.strip(), style, job.seed, settings.reading, kept=False)
    for part in scene.parts:
        job.record_choice(part.name, f"{part.noun} of {part.source}, {part.author}, {part.license}")
    job.metric("things", sum(len(part.world_from_part) for part in scene.parts))
    job.metric("claims", len(scene.claims))
    job.metric("claims_right", sum(scene.claims.values()))
    return Result(name=name, report=job.report, scene=scene)


def _of_point_e(settings: Settings, job: Job) -> Mesh:
    """The mesh around points that the networks make of the sentence."""
    weights = POINT_E_TEXT.fingerprint
    seen = job.stage(READING, apart(seen_in_sentence), _told(settings), depends=CLIP.fingerprint)
    points = job.stage(MAKING, apart(points_of_seen), seen, settings.point_e, job.seed, depends=weights)
    size_m = settings.size_m or real_size(settings.text, catalogue.sizes()) or UNKNOWN_M
    mesh = job.stage(EXTRACTING, apart(mesh_of_points), points, POINT_E_TEXT, settings.point_e, size_m, depends=weights)
    return job.stage(CLEANING, apart(clean), mesh, MeshSettings(faces=settings.faces))


def _told(settings: Settings) -> str:
    """The sentence as a model reads it, with the style that is chosen."""
    plain = " ".join(settings.text.split()).rstrip(".!?")
    return plain if settings.style == "as said" else f"{plain}, {settings.style} style"


def _name(text: str) -> str:
    """The beginning of the sentence, up to a whole word."""
    plain = " ".join(text.split()).rstrip(".!?")
    return plain if len(plain) <= NAME_CHARACTERS else plain[:NAME_CHARACTERS].rpartition(" ")[0] or plain[:NAME_CHARACTERS]


def _needs(settings: Settings) -> Needs:
    if settings.model == "assemble":
        return Needs()
    packages = ("numba", "scipy", "fast_simplification", "safetensors", "torch")
    return Needs(packages, (as_need(CLIP), as_need(POINT_E_TEXT)), Memory(POINTS_PEAK_BYTES))


def expected(settings: Settings) -> dict[str, Expected]:
    """The stages and their seconds."""
    if settings.model == "assemble":
        return {STAGE: Expected(1.0)}
    surface = {
        EXTRACTING: Expected(10.0 + 60.0 * (settings.point_e.cells / 64) ** 2, compiling=10.0),
        CLEANING: Expected(3.0, compiling=6.0),
    }
    return {READING: Expected(4.0), MAKING: Expected(5.0 + 28.0 * settings.point_e.steps), **surface}


METHOD = Method(
    id="text",
    title="From Text",
    summary="Put a scene together from a sentence, of things at their real sizes, offline and in seconds",
    takes=(Sentence,),
    gives=("scene", "mesh"),
    settings=Settings,
    run=run,
    presets={"Standard": {}},
    expect=lambda inputs, settings: expected(settings),
    varies=lambda settings: True,
    stages=(STAGE, READING, MAKING, EXTRACTING, CLEANING),
    needs=_needs,
)
