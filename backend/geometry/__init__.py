"""What formats, surfaces, meshes, bodies and textures share: arrays in, arrays out, without jobs or settings.

vectors       unit vectors, projections, sums by index
triangles     areas, normals, volumes of triangles
quaternions   products, rotations, to and from matrices
axes          camera and world axes: the one place where conventions are converted
masks         bounding boxes of masks
morton        codes along a Z-order curve
topology      edges, winding, connected components, non-manifold places, boundary loops of triangles
smoothing     Taubin smoothing
heat          the heat equation over a mesh: smooth borders, harmonic values where none are known
harmonics     real spherical harmonics and their rotation
turning       splats turned by a rotation, spherical harmonics included
tree          a bounding volume hierarchy: nearest faces, hidden faces, intersections, winding numbers
raster        a triangle rasterizer for pinhole cameras
surface_nets  the zero level of a dense grid as quads
"""
