"""UV coordinates, and textures in them.

stages            unwrapping and texturing as methods run them
unwrap            UV coordinates: charts, laid flat, packed
charts            faces of similar normals, grown into charts
flatten           charts as UV islands without overlaps
packing           islands into the unit square
photo_resolution  photo pixels on each face, which say how large its island should be

from_photos       the texture that photos give
texels            which face and which photos each texel shows
seams             color steps between photos, leveled
fill              texels that no photo saw, and margins around islands
normal_map        a detailed mesh's normals as a tangent-space map on a simplified one
"""
