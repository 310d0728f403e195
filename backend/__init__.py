"""Everything that computes. Nothing in here imports bpy.

Imports only go down:

    methods                                    what an artist can choose
    surface  texture                           anything to triangles; UV coordinates and textures
    assembly                                   a sentence's things, made, dressed and put where it says
    splats  mesh  bodies                       Gaussians; repair and simplification; meshes from outlines
    capture  pictures                          photos and cameras; single pictures, cut out
    prompt  shapes                             what a sentence says; parametric generators of things
    networks                                   pretrained networks and the library of their weights
    rendering  engine                          what can be rendered and fitted, losses, the training loop; installing
    formats  metrics  jobs                     files, measures, running
    geometry                                   what the rooms above share: topology, trees, rasters, axes
    values  errors  settings  device           what everything may use
    files  whole  folders  locks  schema       writing whole, deleting only what is ours, one process at a time
    reading  outputs  private  limits          opening and reading within bounds, refusing what would overwrite
    kernel_cache                               keeping compiled kernels
    interrupts  streams                        Ctrl-C and termination; what reaches standard output

The rooms of one level don't import each other. torch, numba and pycolmap are imported by the modules
that need them, inside functions or in modules that are themselves imported on first use, so that
`import backend` costs nothing. The world in here is Blender's: right-handed, Z up.
"""
