"""Triangles: repair, simplify, unwrap, texture, draw.

analyze     what state a mesh is in
care        a raw mesh -> a clean one: floaters, repair, smoothing, simplification, holes
topology    edges, winding, non-manifold parts, boundary loops
holes       patches that close boundary loops
rebuild     a watertight surface around what is inside, whatever the mesh's state
transfer    UVs and colors from one surface to another in the same place
tree        a tree of boxes: what is nearest, hidden, crossing, inside
unwrap      UV coordinates: charts, laid flat by flatten, and their packing
texture     texels from photos
seams       steps between texels from different photos, leveled
normal_map  the relief of a detailed mesh on a simplified one
raster      what a camera sees of a mesh, and pictures of it
join        several meshes as one

Bodies made from a cut-out picture: inflation, layers, lathe, extrude, relief and turnaround; projection lays the picture onto them.
"""
