"""Photos, videos and posed captures to a Capture, cameras by structure from motion, and pictures ready to train on.

    read        what the user handed in -> Capture
    listing     folders and files -> pictures, duplicates and masks sorted out
    masks       the mask pictures of photos
    exif        focal length and device of a photo
    video       sharp, evenly spaced frames
    posed       COLMAP models and transforms.json -> Capture with cameras
    views       Capture -> undistorted pictures with pinhole cameras
    solve       structure from motion
    world       upright, centered, scaled

The modules named sfm_* belong to `solve`; `undistort` and `remap` belong to `views`.
"""
