"""Files of this field to values and back: pictures, splats, points and posed cameras.

    offset      large coordinates: what is taken off before positions become float32
    color       color spaces, ICC profiles and HDR to sRGB
    decoding    stored pixels of any depth, color space and transparency to straight 8-bit sRGB
    png, raw    what Pillow doesn't say of PNG files; camera RAW
    images      pictures of every kind to upright 8-bit sRGB, PNG and JPEG out
    ply         PLY files as tables
    columns     what columns of points and splats mean, by any program's names
    limits      what a file may claim to hold
    splat_rows  splats filled in block by block, splat_bytes how few bytes hold them
    splat_files the one table of formats of splats, each a module: splat_ply, compressed_ply, spz, sog, gltf_splats, usd_splats, ksplat,
                splat_rgba (.splat)
    codebooks   vector quantization for sog, scene_nodes what gltf_splats and usd_splats share
    splat_levels levels of detail
    points_ply  point clouds
    given       a file of splats, points or a mesh, told apart by what is in it
    endings     file name endings, sniff what a file is by its first bytes, text in any encoding
    names       files by the names that other programs wrote
    depth       depth maps
    posed       what a camera file says, and the pictures that it says it of
    cameras     all kinds of camera files: how they are found and read
    colmap      COLMAP models, text and binary
    transforms  transforms.json of nerfstudio, instant-ngp, NeRF-synthetic, NeRFCapture and others
    polycam, record3d, stray, metashape, realityscan, bundler, splat_cameras: one module for each program's cameras

Cameras and points that come out of here stand in Blender's world (Z up), whatever the file says.
"""
