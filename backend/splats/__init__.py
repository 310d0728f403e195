"""Gaussian splats: starting values, training, rendering.

`train`, `initialise` and `render` are what methods use; `engine` says what an engine must offer, `cpu/` is the one for every
machine and `cuda` the one on gsplat's rasteriser; `twin` is the plain torch float64 oracle that both are tested against.
"""
