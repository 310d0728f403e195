"""What architectures share, one readable file each.

attention.py  attention and transformer blocks
vision.py     vision transformers: pictures to tokens
language.py   tokenizers: text to numbers
triplanes.py  three planes of features as a function of space

Letters in shapes: B batch, T tokens, C channels, P points, H and W pixels or texels.
"""
