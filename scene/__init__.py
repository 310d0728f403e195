"""Results to Blender data and back: splats, meshes, points, cameras, images, materials; and what the preferences say. Main thread only."""
