"""Triangles: repair, simplify, unwrap, texture, draw.

care        a raw mesh -> a clean one: floaters, repair, smoothing, simplification, holes
topology    edges, winding, non-manifold parts, boundary loops
holes       triangles that close boundary loops
unwrap      UV coordinates: xatlas for small meshes, our own charts and packing for large ones
texture     texels from photos
raster      what a camera sees of a mesh, and pictures of it
"""
