"""Settings are frozen dataclasses, and the single source of everything that shows or takes a setting.

The panel's properties, the command line's flags, the presets, the docs' tables and the provenance on
generated objects are all made from the `Option`s that `options()` reads off a Settings class:

    @dataclass(frozen=True)
    class TrainingSettings:
        steps: int = option(7000, "Number of optimization steps", low=1, high=100_000)

    @dataclass(frozen=True)
    class Settings:
        training: TrainingSettings = group(TrainingSettings, "Training")
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import ReifyError

SMALL = ("a", "an", "and", "by", "for", "from", "in", "of", "on", "or", "per", "the", "to")  # inside a title
SPELLED = {
    **{word: word.upper() for word in ("cpu", "cuda", "lod", "lpips", "mcmc", "mls", "psnr", "rbf", "sh", "ssim", "uv")},
    **{"grabcut": "GrabCut", "lods": "LODs", "triposr": "TripoSR", "trellis": "TRELLIS", "point-e": "Point-E", "shap-e": "Shap-E"},
}


@dataclass(frozen=True)
class Option:
    """One setting, as the panel, the command line and the docs see it."""

    path: str  # "training.steps"
    label: str  # "Steps"
    help: str  # one sentence without a period, as Blender's tooltips are
    kind: type  # bool, int, float or str
    default: Any
    low: float | None = None
    high: float | None = None
    unit: str = ""  # "px", "m", "°", "s", "%" …; shown behind the value
    choices: Mapping[str, str] = field(default_factory=dict)  # value -> its tooltip; kind is str
    group: str = ""  # title of the sub-panel
    advanced: bool = False  # shown only in the sub-panel, not among the first settings

    @property
    def flag(self) -> str:
        """The command line's name: `--training-steps`."""
        return "--" + self.path.replace(".", "-").replace("_", "-")

    def check(self, value: Any) -> Any:
        """`value` as this option's type; raises ReifyError where it is out of range or of the wrong type."""
        try:
            value = _as_bool(value) if self.kind is bool else self.kind(value)
        except (TypeError, ValueError, KeyError, OverflowError):
            raise ReifyError(f"{self.path} is {value!r}, which is no {self.kind.__name__}.", f"{self.help}.") from None
        if self.kind is float and not math.isfinite(value):  # passes every comparison with a limit
            raise ReifyError(f"{self.path} is {value}, which is no number.", f"{self.help}.")
        if self.choices and value not in self.choices:
            raise ReifyError(f"{self.path} is {value!r}.", f"Choose one of: {', '.join(self.choices)}.")
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise ReifyError(f"{self.path} is {value}.", f"Choose a value from {self.low} to {self.high}.")
        return value


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    choices: Mapping[str, str] | None = None,
    label: str = "",
    advanced: bool = False,
) -> Any:
    """A field of a Settings dataclass; `help` becomes tooltip, `--help` line and docs, its name the label where none is given."""
    metadata = {"help": help, "low": low, "high": high, "unit": unit, "choices": choices or {}, "label": label, "advanced": advanced}
    return field(default=default, metadata=metadata)


def group(settings_type: type, label: str, **overrides: Any) -> Any:
    """A field that holds another Settings dataclass; the panel shows it as a sub-panel called `label`."""
    return field(default_factory=lambda: settings_type(**overrides), metadata={"label": label})


@functools.cache
def options(settings_type: type) -> tuple[Option, ...]:
    """Every option of a Settings class, groups flattened, in the order of declaration."""
    return tuple(_walk(settings_type(), prefix="", title=""))


def titled(name: str) -> str:
    """A name in code as Blender writes labels: "sh_degree" is "SH Degree", "start_from" is "Start From"."""
    words = [SPELLED.get(word, word) for word in name.split("_")]
    inner = range(1, len(words) - 1)
    return " ".join(word if i in inner and word in SMALL else word[:1].upper() + word[1:] for i, word in enumerate(words))


def values(settings: Any) -> dict[str, Any]:
    """A settings object as a flat mapping from `Option.path` to value."""
    flat: dict[str, Any] = {}
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        if dataclasses.is_dataclass(value):
            flat |= {f"{entry.name}.{path}": inner for path, inner in values(value).items()}
        else:
            flat[entry.name] = value
    return flat


def with_values(settings: Any, changes: Mapping[str, Any]) -> Any:
    """A copy of `settings` with `changes` (path -> value), each checked; raises ReifyError for an unknown path."""
    known = {opt.path: opt for opt in options(type(settings))}  # type: ignore[arg-type]  # mypy finds no hash in classes
    for path in changes:
        if path not in known:
            raise ReifyError(f"There is no setting called {path!r}.", f"The settings are: {', '.join(known)}.")
    return _replaced(settings, {path: known[path].check(value) for path, value in changes.items()})


def base_of(settings: Any, base: type) -> Any:
    """The part of `settings` that their class has from a `base` class, as one of that class alone."""
    return base(**{entry.name: getattr(settings, entry.name) for entry in dataclasses.fields(base)})


def file_of(text: str) -> Path | None:
    """The file that a setting names; None where it is empty."""
    return Path(text).expanduser() if text.strip() else None


def _walk(settings: Any, prefix: str, title: str) -> typing.Iterator[Option]:
    types = typing.get_type_hints(type(settings))
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        label = entry.metadata.get("label") or titled(entry.name.removesuffix(f"_{entry.metadata.get('unit')}"))
        if dataclasses.is_dataclass(value):
            yield from _walk(value, f"{prefix}{entry.name}.", label)
            continue
        described = {k: v for k, v in entry.metadata.items() if k != "label"}
        yield Option(path=prefix + entry.name, label=label, kind=types[entry.name], default=value, group=title, **described)


def _replaced(settings: Any, changes: Mapping[str, Any]) -> Any:
    fields: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        head, _, rest = path.partition(".")
        if rest:
            groups.setdefault(head, {})[rest] = value
        else:
            fields[head] = value
    inner = {head: _replaced(getattr(settings, head), within) for head, within in groups.items()}
    return dataclasses.replace(settings, **fields, **inner)


def _as_bool(value: Any) -> bool:
    if isinstance(value, str):
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[value.lower()]
    return bool(value)
