"""Miniatures: image-to-3D networks of under three million parameters, trained here, so that tests run trained weights end to end.

`python3 dev.py miniatures train` makes their weights; `python3 dev.py bench networks miniatures` measures them on shapes whose families
training didn't see. They are test fixtures, no models for artists.

    shapes      meshes to learn from: our generators, and the furniture of Debian's sweethome3d-furniture where it is installed
    samples     a picture of a shape by the fixed camera, and its occupancy in the same frame
    networks    the two networks at their small sizes
    training    the loop
    evaluation  IoU of held-out shapes, beside mean shape, nearest neighbor and inflation
"""
