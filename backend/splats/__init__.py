"""Gaussian splats: starting values, training, rendering.

`train`, `initialize`, `measure` and `render` are what methods use. `rasterizers` says what training asks of splats on some device: `cpu/`
is for every machine, `cuda/` for NVIDIA cards; all stand behind `rendering.protocol`. `twin` is the plain torch float64 reference that
all are tested against.
"""
