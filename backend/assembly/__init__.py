"""A sentence's things made, dressed and put where it says.

`assemble.assemble` leads from a parse to a `Scene`; `dress` gives materials, `heights` says where something can stand, `layout`
places, `claims` checks the outcome against the sentence. The viewer looks along +Y: left is -X, in front is -Y.
"""
