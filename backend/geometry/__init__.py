"""What formats, surfaces, meshes, bodies and textures share: arrays in, arrays out, without jobs or settings.

harmonics     real spherical harmonics and their rotation
"""
