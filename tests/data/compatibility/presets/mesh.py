import bpy

group = bpy.context.scene.reify.mesh

group.preset = "Repair Only"
group.faces = 200
group.smoothing = 0
group.smallest_part = 0.0
group.enclosed = "keep"
group.holes = "all"
group.rebuild_cells = 128
group.unwrap = True
group.lods = 1
group.lod_ratio = 0.5
group.quads = 0
