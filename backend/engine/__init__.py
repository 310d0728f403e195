"""The engine: the packages that compute (torch, numba, pycolmap …), installed where Blender brings none of them.

    requirements   what belongs to it, read from requirements/engine.txt
    place          the folder it lies in: whole, half-finished or outdated; found and put on the path
    builds         which build of torch this machine wants
    lock.txt       the same and all that they need, with the hashes of their wheels
    install        install, verify, replace, remove
    child          what runs in the child process
    explain        pip's complaints as sentences with a way out

It lies in a folder of its own, outside the extension and outside Blender, at the end of `sys.path`: nothing that
Blender or the system has is hidden by it, and numpy is always Blender's own.
"""
