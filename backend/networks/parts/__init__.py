"""What architectures share, one readable file each.

attention.py  attention and transformer blocks
vision.py     vision transformers: pictures to tokens
language.py   tokenizers: text to numbers
sparse.py     sparse tensors: convolution, windows, coarser and finer voxels
waves.py      places and times as sines and cosines
samplers.py   noise to samples
triplanes.py  three planes of features as a function of space

Letters in shapes: B batch, T tokens, C channels, N voxels, P points, H and W pixels or texels.
"""
