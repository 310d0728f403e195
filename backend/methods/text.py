"""From Text: a sentence becomes a scene of things at their real sizes, put together from parametric shapes."""

from __future__ import annotations

from dataclasses import dataclass

from ..assembly.assemble import assemble
from ..errors import ReifyError
from ..jobs.forecast import Expected
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..settings import option
from ..values import Result, Sentence
from . import Method

STAGE = "Assembling"
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


@dataclass(frozen=True)
class Settings:
    """What is to be made, and in which style."""

    text: str = option("", "What to make, in a sentence: a red apple on a wooden table")
    style: str = option("as said", "Materials and geometry of everything in the scene", choices=STYLES)


def run(inputs: Sentence, settings: Settings, job: Job) -> Result:
    """A sentence in, a scene out; raises ReifyError where it names nothing that there is."""
    if not settings.text.strip():
        raise ReifyError("There is no sentence.", "Write what to make, such as: a red apple on a wooden table.")
    style = "" if settings.style == "as said" else settings.style
    scene = job.stage(STAGE, apart(assemble), settings.text.strip(), style, job.seed, kept=False)
    for part in scene.parts:
        job.record_choice(part.name, f"{part.noun} of {part.source}, {part.author}, {part.license}")
    job.metric("things", sum(len(part.world_from_part) for part in scene.parts))
    job.metric("claims", len(scene.claims))
    job.metric("claims_right", sum(scene.claims.values()))
    return Result(name=inputs.name or _name(settings.text), report=job.report, scene=scene)


def _name(text: str) -> str:
    """The beginning of the sentence, up to a whole word."""
    plain = " ".join(text.split()).rstrip(".!?")
    return plain if len(plain) <= NAME_CHARACTERS else plain[:NAME_CHARACTERS].rpartition(" ")[0] or plain[:NAME_CHARACTERS]


METHOD = Method(
    id="text",
    title="From Text",
    summary="Put a scene together from a sentence, of things at their real sizes, offline and in seconds",
    takes=(Sentence,),
    gives=("scene",),
    settings=Settings,
    run=run,
    presets={"Standard": {}},
    expect=lambda inputs, settings: {STAGE: Expected(1.0)},
    stages=(STAGE,),
)
