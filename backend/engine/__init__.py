"""The engine: the packages that compute, installed where Blender brings none of them, in two parts.

The engine itself (numba, pycolmap …) computes splats, meshes and pictures on the processor; torch, for graphics cards and learned
methods, is added and removed by itself.

    requirements   the parts and what belongs to each, read from requirements/engine.txt and torch.txt
    place          the folder of a part: whole, half-finished or outdated; found and put on the path
    builds         which build of torch this machine wants
    lock.txt, lock_torch.txt   the same and all that they need, with the hashes of their wheels
    wheels_torch.txt           hashes of torch's wheels that only PyTorch's own index has
    install        install, verify, replace, remove
    child          what runs in the child process
    explain        pip's complaints as sentences with a way out

Each part lies in a folder of its own, outside the extension and outside Blender, at the end of `sys.path`: nothing that
Blender or the system has is hidden by it, and numpy is always Blender's own.
"""
