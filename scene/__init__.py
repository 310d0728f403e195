"""Results to Blender data and back: splats, meshes, points, cameras, images, materials. Main thread only."""
