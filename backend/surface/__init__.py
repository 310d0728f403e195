"""Anything that knows where things are, to triangles.

fuse        rendered depth of all cameras -> mesh: the whole way
depth       depth maps from renderings, with a weight for every pixel
region      which part of the world is the subject
grid        signed distances in sparse blocks of voxels
marching    marching cubes over such a grid
trim        outlines of open surfaces, cut along smooth lines
"""
