"""Everything that computes. Nothing in here imports bpy.

Imports only go down:

    methods                                          what an artist can choose
    capture  pictures  splats  surface  mesh         the parts that methods are built from
    rendering                                        the protocol of what can be rendered and fitted, losses, the training loop
    formats  metrics  jobs  engine                   files, measures, running, installing
    values  errors  settings  device  files          what everything may use

The parts of one level don't import each other. torch, numba and pycolmap are imported by the modules
that need them, inside functions or in modules that are themselves imported on first use, so that
`import backend` costs nothing. The world in here is Blender's: right-handed, Z up.
"""
