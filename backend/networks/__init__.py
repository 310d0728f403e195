"""Pretrained networks: plain torch, one readable file a model, and the library of their weights.

library/      what weights there are, where they lie, fetching and checking them; needs no torch
onnx.py       the constants of an ONNX file
running.py    building a module on its device
isnet.py      ISNet: the subject of a picture
subjects.py   the same, for who has a job
aliked.py     ALIKED: keypoints
lightglue.py  LightGlue: which keypoints of two pictures belong together
matching.py   both, for who has a job
triposr.py    TripoSR: an object's field from a picture
reconstruction.py   the same, for who has a job
dinov2.py     DINOv2: what others are conditioned on
trellis.py    TRELLIS: an object's surface or Gaussians from pictures
structured.py       the same, for who has a job
direct3d.py   Direct3D: an object's surface from a picture
occupancy.py        the same, for who has a job
minilm.py     MiniLM: sentences and words as vectors

A model's module holds its network, a function that runs it on the house's values, and `convert`, which turns the published
files into named arrays, once. torch is imported inside functions, or by modules that are imported when a model runs.
"""
