"""Photos, videos and posed captures to a Capture, cameras by structure from motion, and pictures ready to train on.

    read        what the user handed in -> Capture
    roles       the files of a folder: photos, masks, depth maps, previews, copies …
    nearby      camera files in and around what was chosen
    account     what isn't used, counted and told
    listing     pictures -> photos, duplicates sorted out
    masks       the mask pictures of photos
    depth       depth maps -> points to start from
    panorama    panoramas -> perspective views of one rig
    exif        focal length and device of a photo
    video       sharp, evenly spaced frames
    posed       posed pictures of any program -> Capture with cameras
    views       Capture -> undistorted pictures with pinhole cameras
    solve       structure from motion
    trust       whether solved cameras are sure, doubtful or wrong
    silhouettes masks beside solved cameras
    world       upright, centered, scaled

The modules named sfm_* belong to `solve`; `lenses`, `undistort` and `remap` belong to `views`.
"""
