"""Settings as the single source of flags, properties and docs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from reify.backend.errors import ReifyError
from reify.backend.methods import all_methods
from reify.backend.settings import group, option, options, titled, values, with_values


@dataclass(frozen=True)
class Inner:
    steps: int = option(100, "Number of steps", low=1, high=1000)
    quick: bool = option(False, "Go quickly")


@dataclass(frozen=True)
class Outer:
    mode: str = option("soft", "How to do it", choices={"soft": "Gently", "hard": "With force"})
    inner: Inner = group(Inner, "The inside")


def test_options_are_flattened_in_order_with_their_group() -> None:
    found = options(Outer)
    assert [opt.path for opt in found] == ["mode", "inner.steps", "inner.quick"]
    assert [opt.group for opt in found] == ["", "The inside", "The inside"]
    assert found[1].flag == "--inner-steps" and found[1].kind is int


@pytest.mark.parametrize(
    ("name", "label"), [("sh_degree", "SH Degree"), ("start_from", "Start From"), ("levels_of_detail", "Levels of Detail"), ("by", "By")]
)
def test_labels_are_written_as_blender_writes_them(name: str, label: str) -> None:
    assert titled(name) == label


def test_a_label_doesnt_repeat_the_unit_that_a_name_ends_with() -> None:
    @dataclass(frozen=True)
    class Sized:
        long_side_px: int = option(100, "How long", unit="px")

    assert options(Sized)[0].label == "Long Side"


def test_changes_are_checked_and_leave_the_rest_alone() -> None:
    changed = with_values(Outer(), {"inner.steps": "7", "inner.quick": "yes"})
    assert values(changed) == {"mode": "soft", "inner.steps": 7, "inner.quick": True}
    assert values(Outer())["inner.steps"] == 100


@pytest.mark.parametrize(
    "change", [{"inner.steps": 0}, {"inner.steps": "many"}, {"mode": "odd"}, {"inner.quick": "perhaps"}, {"nothing": 1}]
)
def test_a_wrong_value_is_refused_with_a_way_out(change: dict[str, object]) -> None:
    with pytest.raises(ReifyError) as caught:
        with_values(Outer(), change)
    assert caught.value.fix


@pytest.mark.parametrize("method", all_methods().values(), ids=lambda method: method.id)
def test_every_setting_of_every_method_has_a_tooltip_and_a_valid_default(method) -> None:
    for opt in options(method.settings):
        assert opt.help and not opt.help.endswith("."), f"{opt.path}: {opt.help!r}"
        assert opt.kind in (bool, int, float, str), opt.path
        assert opt.check(opt.default) == opt.default


@pytest.mark.parametrize("method", all_methods().values(), ids=lambda method: method.id)
def test_every_preset_of_every_method_is_valid(method) -> None:
    for name in method.presets:
        method.preset(name)
