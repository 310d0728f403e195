"""Anything that knows where things are, to triangles.

Whole ways:
views       what cameras see -> mesh: by fuse, by Poisson through the depth's points, or by hull
fuse        rendered depth of all cameras, averaged
hull        what no silhouette cuts away
points      a point cloud -> mesh: by poisson, implicit (moving least squares, radial functions) or alpha
density     splats -> mesh: where they are dense

What these are built from:
depth       depth maps from renderings, with a weight for every pixel
region      which part of the world is the subject
orbit       cameras of our own, and depth as points
cloud       points made ready: cleaned, with normals and areas
grid        signed distances in sparse blocks of voxels
sampling    fields as such grids
extract     a grid's surface, by marching (cubes), tetrahedra or dual (quads); cells finds where it passes
color      vertex colors from renderings
trim        outlines of open surfaces, cut along smooth lines
"""
