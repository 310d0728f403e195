"""What an artist can choose: one module each, found by its file. Adding a method adds one file and no UI code.

A method module holds a `Settings` dataclass, a `run(inputs, settings, job) -> Result` that reads like the
figure in the paper, and `METHOD`, which says what it takes, gives and needs.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import platform
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import settings as settings_of
from ..errors import ReifyError
from ..formats.given import read_given
from ..formats.offset import written
from ..jobs import store
from ..jobs.job import Job
from ..values import Given, Mesh, Points, Result, Splats

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
    stages: Mapping[str, float]  # stage title -> expected share of the time
    packages: tuple[str, ...] = ()  # modules that must be importable
    licenses: Mapping[str, str] = field(default_factory=dict)  # of pretrained weights, none here so far
    split: Callable[[Sequence[Path], Any], tuple[Any, ...]] | None = None  # several files -> one input a job; None: all in one

    @property
    def changes_things(self) -> bool:
        """True where it takes what exists already: a selected object, or a file of splats, points or a mesh."""
        return any(kind in (Splats, Points, Mesh) for kind in self.takes)

    def jobs(self, sources: Sequence[Path], settings: Any, name: str = "", read: Reader = read_given) -> tuple[Any, ...]:
        """What `run` takes, once for each job that these files make; raises ReifyError where one can't be read.

        `read` reads a file of what the method changes; the default knows no meshes, which Blender's importers read.
        """
        if self.changes_things:
            inputs = tuple(read(source, self.takes) for source in sources)
        else:
            inputs = self.split(sources, settings) if self.split else (self.takes[0](sources=tuple(sources)),)
        return tuple(replace(one, name=name) for one in inputs) if name else inputs

    def joins(self, settings: Any) -> bool:
        """True where several files make one result, as photos of a subject do."""
        return self.split is None or len(self.split((Path("1"), Path("2")), settings)) == 1

    def preset(self, name: str) -> Any:
        """The settings of a preset; raises ReifyError for an unknown one."""
        if name not in self.presets:
            raise ReifyError(f"There is no preset called {name!r}.", f"Choose one of: {', '.join(self.presets)}.")
        return settings_of.with_values(self.settings(), self.presets[name])

    def missing(self) -> tuple[str, ...]:
        """Packages that aren't installed; looked up without importing them."""
        return tuple(name for name in self.packages if importlib.util.find_spec(name) is None)

    def perform(self, inputs: Any, settings: Any, job: Job) -> Result:
        """Run it in `job`, with the report saying how to do the same again; raises ReifyError where it can't be done."""
        if missing := self.missing():
            what = f"{self.title} needs packages that aren't installed: {', '.join(missing)}."
            raise ReifyError(what, "Install the engine in Reify's preferences.")
        job.describe(
            method=self.id,
            settings=settings_of.values(settings),
            inputs={str(source): store.digest(source) for source in inputs.sources if source.exists()},
            versions=versions_of(self.packages),
        )
        for warning in inputs.warnings if isinstance(inputs, Given) else ():
            job.warn(warning)
        result = self.run(inputs, settings, job)
        source = inputs if isinstance(inputs, Given) else result.capture
        offset = None if source is None else source.offset
        if offset is not None:
            job.choose(
                "offset",
                f"{written(offset)} was taken off the positions, which are too large for 32 bits; .ply, .obj and .glb add it again",
            )
        if job.cache:
            job.cache.prune()
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


def versions_of(packages: Sequence[str]) -> dict[str, str]:
    """Reify's and Python's versions, and those of the packages with these modules as far as they are installed."""
    from importlib import metadata  # 20 ms, which Blender's start needn't pay

    owners = metadata.packages_distributions()
    names = {owners[package][0] for package in packages if package in owners}
    return {"reify": _version(), "python": platform.python_version(), **{name: metadata.version(name) for name in sorted(names)}}


def _version() -> str:
    manifest = Path(__file__).parents[2] / "blender_manifest.toml"
    return tomllib.loads(manifest.read_text(encoding="utf-8"))["version"]
