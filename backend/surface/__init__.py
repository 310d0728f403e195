"""Triangles from renderings, masks, splats and points.

stages      extraction as methods run it
clean       its result cleaned and judged, the stage after it

Whole ways:
views       what cameras see -> mesh: by fuse, by solid, by Poisson through the depth's points, or by hull
fuse        rendered depth of all cameras, fused by a truncated signed distance (TSDF)
solid       depth fused into a closed body inside the visual hull
hull        the visual hull of silhouettes
points      a point cloud -> mesh: by poisson, implicit (moving least squares, radial basis functions) or alpha shape
density     splats -> mesh: a level set of their density

What these are built from:
depth       depth maps from renderings, with a confidence for every pixel
region      the ball that holds the subject
orbit       cameras around a ball, and depth maps as points
cloud       points with normals and areas
grid        signed distances in sparse blocks of voxels
sampling    functions of space as such grids
extract     the zero level of a grid, by marching (cubes), tetrahedra or dual (quads); cells finds where it passes
color       vertex colors from renderings, and whether renderings confirm a vertex
judge       what a finished mesh is worth: components, holes, the share of it that photos see
trim        open surfaces cut along smooth outlines
"""
