"""Splats on any machine: numba kernels without torch, vectorized by hand with `lanes`, run by a `team` of threads.

Import the modules in here only after `device.prepare_numba()`.
"""
