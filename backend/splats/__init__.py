"""Gaussian splats: starting values, training, rendering.

`train`, `initialize` and `render` are what methods use; `engine` says what an engine must offer, `cpu/` is the one for every
machine and `cuda/` those for NVIDIA cards; `twin` is the plain torch float64 oracle that all are tested against.
"""
