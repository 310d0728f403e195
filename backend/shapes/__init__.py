"""Parametric generators of things people block scenes out with: closed shells of quads, with UVs and named slots, in meters.

`solids` holds the primitives, `catalogue` which noun is made by which generator, how large it is, and what of it is made of what.
A generator takes a random generator first, then its parameters by keyword, stands on z = 0, and faces -Y.
"""
