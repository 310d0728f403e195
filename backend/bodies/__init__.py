"""Meshes made from the outline of a cut-out picture.

from_pictures      the textured body of cut-out pictures, in whichever of the ways below is set or fits
inflation          a rounded body: height by Poisson's equation over the outline
extrude            a slab with straight or rounded edges
lathe              a solid of revolution
layers             parts of the picture as bodies one behind the other
relief             a height field over the picture
turnaround         the visual hull of several views
projection         the picture as a texture on such a body

sheet              the outline's inside as quads
solid              sheets, fronts and backs to closed bodies
polygon_laplacian  the Laplace operator on polygons
progress           how these functions report, which know no job
"""
