import bpy

group = bpy.context.scene.reify.surface

group.preset = "Preview"
group.extraction = "poisson"
group.polygons = "cubes"
group.voxel_size = 0.0
group.max_voxels = 1
group.radius = 0.0
group.views = 32
group.long_side_px = 320
group.points__fit = 4.0
group.points__trim = 0.0
group.points__ball = 0.0
group.density__level = 0.4000000059604645
group.mesh__faces = 200
group.mesh__smoothing = 6
group.mesh__smallest_part = 0.5
group.mesh__enclosed = "parts"
group.mesh__holes = "small"
group.mesh__rebuild_cells = 128
