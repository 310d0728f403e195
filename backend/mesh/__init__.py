"""Triangles: analyze, repair, simplify, build anew.

analyze   what state a mesh is in
cleaning  a raw mesh -> a clean one: floaters, repair, smoothing, simplification, holes
holes     patches that close boundary loops
rebuild   a watertight surface around what is inside, whatever the mesh's state
transfer  UVs and colors from one surface to another in the same place
join      several meshes as one
"""
