"""What formats, surfaces, meshes, bodies and textures share: arrays in, arrays out, without jobs or settings.

axes          camera and world axes, quaternions: the one place where conventions are converted
topology      edges, winding, connected parts, non-manifold places, boundary loops of triangles
tree          a bounding volume hierarchy: nearest faces, hidden faces, crossings, winding numbers
raster        what a camera sees of a mesh, and pictures of it
surface_nets  the zero level of a dense grid as quads
heat          the heat equation over a mesh: smooth borders, harmonic values where none are known
harmonics     real spherical harmonics and their rotation
"""
