"""What an artist can choose: one module each, found by its file. Adding a method adds one file and no UI code.

A method module holds a `Settings` dataclass, a `run(inputs, settings, job) -> Result` that reads like the
figure in the paper, and `METHOD`, which says what it takes, gives and needs.
"""

from __future__ import annotations

import importlib
import pkgutil
import platform
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import settings as settings_of
from ..capture.used import digests_of
from ..engine.requirements import parts_of
from ..errors import ReifyError
from ..formats.given import read_given
from ..formats.offset import written
from ..jobs import needs as needs_of
from ..jobs.environment import Environment
from ..jobs.forecast import Expected
from ..jobs.job import Job
from ..jobs.needs import Memory, Needs
from ..values import Given, Mesh, Points, Result, Sentence, Splats

Reader = Callable[[Path, tuple[type, ...]], Given]


@dataclass(frozen=True)
class Method:
    """One way of making something, as the panel, the command line and the docs see it."""

    id: str  # the word on the command line: `reify run photos …`
    title: str  # "From Photos"
    summary: str  # one sentence without a period
    takes: tuple[type, ...]  # (Photos,), or those of Splats, Points and Mesh that it changes: then `run` gets a `Given`
    gives: tuple[str, ...]  # fields of Result
    settings: type
    run: Callable[[Any, Any, Job], Result]
    presets: Mapping[str, Mapping[str, Any]]  # name -> changes to the settings; the first one is the default
    stages: tuple[str, ...]  # titles of all stages that it may run
    needs: Needs | Callable[[Any], Needs] = Needs()  # the same for all settings, or a function of them
    memory: Callable[[Any, Any], Memory] | None = None  # of inputs and settings, where that is nearer than what `needs` knows
    split: Callable[[Sequence[Path], Any], tuple[Any, ...]] | None = None  # several files -> one input a job; None: all in one
    expect: Callable[[Any, Any], Mapping[str, Expected]] | None = None  # inputs and settings -> the stages that run, and their seconds
    plan: Callable[[Any, Environment], str] | None = None  # one sentence: how it fits into memory here; "": it doesn't adapt
    varies: Callable[[Any], bool] | None = None  # settings -> whether another seed makes something else of the same; None: never
    varies_by: str = ""  # one sentence: the settings that make it so

    @property
    def changes_things(self) -> bool:
        """True where it takes what exists already: a selected object, or a file of splats, points or a mesh."""
        return any(kind in (Splats, Points, Mesh) for kind in self.takes)

    @property
    def takes_files(self) -> bool:
        """False where all that it is made from stands in its settings."""
        return Sentence not in self.takes

    def shares(self, sources: Sequence[Path], settings: Any) -> tuple[tuple[Path, ...], ...]:
        """The files and folders of each result that these make; raises ReifyError where there is nothing in them."""
        if self.changes_things:
            return tuple((source,) for source in sources)
        return tuple(one.sources for one in self.split(sources, settings)) if self.split else (tuple(sources),)

    def inputs(self, sources: Sequence[Path], name: str = "", read: Reader = read_given) -> Any:
        """What `run` takes, of the sources of one result; raises ReifyError where they can't be read.

        `read` reads a file of what the method changes; the default knows no meshes, which Blender's importers read.
        """
        inputs = read(sources[0], self.takes) if self.changes_things else self.takes[0](sources=tuple(sources))
        return replace(inputs, name=name) if name else inputs

    def seeds(self, first: int, count: int, settings: Any) -> tuple[int, ...]:
        """Those of so many variants; raises ReifyError for several where all would be the same."""
        if count < 1:
            raise ReifyError(f"{count} variants are none.", "Ask for one or more.")
        if count > 1 and not (self.varies and self.varies(settings)):
            what = f"{self.title} makes the same of every seed with these settings, so there are no variants."
            raise ReifyError(what, self.varies_by or "Ask for one result.")
        return tuple(range(first, first + count))

    def joins(self, settings: Any) -> bool:
        """True where several files make one result, as photos of a subject do."""
        return self.split is None or len(self.split((Path("1"), Path("2")), settings)) == 1

    def preset(self, name: str) -> Any:
        """The settings of a preset; raises ReifyError for an unknown one."""
        if name not in self.presets:
            raise ReifyError(f"There is no preset called {name!r}.", f"Choose one of: {', '.join(self.presets)}.")
        return settings_of.with_values(self.settings(), self.presets[name])

    def needed(self, settings: Any, inputs: Any = None) -> Needs:
        """What a job with these settings needs; with its inputs, the memory is estimated for them."""
        needs = self.needs(settings) if callable(self.needs) else self.needs
        return needs if inputs is None or self.memory is None else replace(needs, memory=self.memory(inputs, settings))

    def missing(self, settings: Any, environment: Environment, inputs: Any = None) -> Needs:
        """The part of it that isn't there; what is asked before a job starts, wherever it is started."""
        return needs_of.missing(self.needed(settings, inputs), environment)

    def check(self, settings: Any, environment: Environment, inputs: Any = None) -> None:
        """Raise ReifyError, with the way to get it, where something that a job with these settings needs is missing."""
        missing = self.missing(settings, environment, inputs)
        if missing.packages:
            what = f"{self.title} needs packages that aren't installed: {', '.join(missing.packages)}."
            parts = parts_of(missing.packages)
            raise ReifyError(what, parts[0].way if parts else "Install them where Blender's Python finds them.")
        if missing.weights:
            listed = ", ".join(f"{each.name} ({gigabytes(each.bytes)}, {each.license})" for each in missing.weights)
            ways = dict.fromkeys(each.way or f"Put them into {_weights_folder(environment)}." for each in missing.weights)
            raise ReifyError(f"{self.title} needs the weights {listed}.", " ".join(ways))
        if missing.memory is not None:
            needed, free = gigabytes(missing.memory.bytes), gigabytes(environment.free_memory())
            what = f"{self.title} needs about {needed} of memory with these settings, and {free} are free."
            smaller = self.fitting(settings, environment, inputs)
            if smaller is None:
                raise ReifyError(what, "Close other programs.")
            now, then = settings_of.values(settings), settings_of.values(smaller)
            changes = " and ".join(f"{path} to {value}" for path, value in then.items() if value != now[path])
            raise ReifyError(what, f"Set {changes}, or close other programs.")

    def fitting(self, settings: Any, environment: Environment, inputs: Any = None) -> Any | None:
        """The settings with what the memory grows with halved until it fits; None where that isn't possible."""
        smaller = settings
        while (memory := self.needed(smaller, inputs).memory) is not None and memory.bytes > environment.free_memory():
            option = next((option for option in settings_of.options(self.settings) if option.path == memory.setting), None)
            if option is None or (value := option.kind(settings_of.values(smaller)[option.path] / 2)) < (option.low or 1):
                return None
            smaller = settings_of.with_values(smaller, {option.path: value})
        return smaller if smaller != settings else None

    def perform(self, inputs: Any, settings: Any, job: Job) -> Result:
        """Run it in `job`, with the report saying how to do the same again; raises ReifyError where it can't be done."""
        self.check(settings, job.environment, inputs)
        needs = self.needed(settings)
        job.describe(
            method=self.id,
            settings=settings_of.values(settings),
            inputs=digests_of(inputs.sources, job.check),
            versions=versions_of(needs.packages),
            licenses={weights.name: weights.license for weights in needs.weights},
        )
        for warning in inputs.warnings if isinstance(inputs, Given) else ():
            job.warn(warning)
        job.expect(self.expect(inputs, settings) if self.expect else dict.fromkeys(self.stages, Expected(1.0)))
        result = self.run(inputs, settings, job)
        source = inputs if isinstance(inputs, Given) else result.capture
        offset = None if source is None else source.offset
        if offset is not None:
            taken = f"{written(offset)} was taken off the positions, which are too large for 32 bits"
            job.record_choice("offset", f"{taken}; exports as .ply, .obj and .glb add it again")
        if job.environment.cache:
            job.environment.cache.prune()
        return replace(result, report=job.report, offset=offset)


def all_methods() -> dict[str, Method]:
    """Every method by its id, in alphabetical order."""
    modules = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}").METHOD for name in modules]
    return {method.id: method for method in found}


def method_called(name: str) -> Method:
    """The method with this id; raises ReifyError for an unknown one."""
    methods = all_methods()
    if name not in methods:
        raise ReifyError(f"There is no method called {name!r}.", f"Choose one of: {', '.join(methods)}.")
    return methods[name]


def gigabytes(count: float) -> str:
    """Bytes for people: "1.5 GB"."""
    return f"{count / 2**30:.1f} GB"


def versions_of(packages: Sequence[str]) -> dict[str, str]:
    """Reify's and Python's versions, and those of the packages with these modules as far as they are installed."""
    from importlib import metadata  # 20 ms, which Blender's start needn't pay

    owners = metadata.packages_distributions()
    names = {owners[package][0] for package in packages if package in owners}
    return {"reify": _version(), "python": platform.python_version(), **{name: metadata.version(name) for name in sorted(names)}}


def _weights_folder(environment: Environment) -> Path:
    return (environment.user_folder or Path("Reify's user folder")) / needs_of.WEIGHTS


def _version() -> str:
    manifest = Path(__file__).parents[2] / "blender_manifest.toml"
    return tomllib.loads(manifest.read_text(encoding="utf-8"))["version"]
