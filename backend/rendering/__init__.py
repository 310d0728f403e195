"""What can be rendered and fitted, whatever it is made of: splats, meshes, fields.

`protocol` says what a renderable offers, `losses` what can score its pictures, `fitting` takes one optimization step, `loop` repeats it
within a budget. With torch, which is imported by these alone: `autograd` makes any renderable a differentiable function, `torch_renderable`
makes any differentiable function a renderable, `torch_loss` makes any function of pictures a loss; `photometric` and `scoring` serve them.
"""
