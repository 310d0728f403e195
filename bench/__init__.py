"""Figures, not tests: one file a suite, each with `run(emit)`.

`emit(figure, value, unit, **more)` prints one line of JSON. Timings are medians in one process; on shared
machines compare ratios, not single values.
"""
