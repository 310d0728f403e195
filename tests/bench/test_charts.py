"""The charts that the bench draws."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from reify.bench._charts import lines

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_shows_every_curve_with_greater_values_higher_and_further_right():
    chart = lines({"400 <small>": [(1000, 2), (10_000, 9), (20_000, 31)], "800": [(1000, 4), (20_000, 50)]}, title="A", across="b", up="c")
    root = ElementTree.fromstring(chart)
    curves = [[tuple(map(float, p.split(","))) for p in line.get("points").split()] for line in root.iter(SVG + "polyline")]
    assert [len(curve) for curve in curves] == [3, 2]
    for curve in curves:
        assert curve == sorted(curve) and [y for _x, y in curve] == sorted((y for _x, y in curve), reverse=True)
    assert curves[0][0][0] == curves[1][0][0] and curves[0][-1][0] == curves[1][-1][0]
    words = [text.text for text in root.iter(SVG + "text")]
    assert {"A", "b", "c", "400 <small>", "800", "10 k"} <= set(words)


def test_a_single_value_can_be_drawn():
    assert "polyline" in lines({"one": [(5, 5)]}, title="", across="", up="")


def test_names_of_curves_that_meet_are_not_written_over_each_other():
    root = ElementTree.fromstring(lines({name: [(1, 1), (9, 5)] for name in "abc"}, title="", across="", up=""))
    heights = sorted(float(text.get("y")) for text in root.iter(SVG + "text") if text.text in {"a", "b", "c"})
    assert min(b - a for a, b in zip(heights, heights[1:], strict=False)) > 12
