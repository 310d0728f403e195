"""Keypoints and matches of pretrained networks, added to what SIFT has found; belongs to the child process.

What SIFT placed stays as it is: its keypoints keep their numbers, and the networks' come after them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from ..values import Array
from .sfm_pairs import Pair


def added_pairs(request: dict[str, Any]) -> list[Pair]:
    """The pairs that `learned_matches` has matched."""
    with np.load(request["matches"]) as given:
        return [(int(one), int(two)) for one, two in (name.split("_")[1:] for name in given if name.startswith("matches_"))]


def add_matches(path: Path, request: dict[str, Any]) -> None:
    """Make the database at `path` of the request's `base` and `matches`, unless an earlier run has; the added pairs aren't verified yet."""
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    shutil.copyfile(request["base"], partial)
    database = pycolmap.Database.open(partial)
    with np.load(request["matches"]) as given:
        first = {}  # of the added keypoints, by photo
        for name in given:
            if name.startswith("keypoints_"):
                number = int(name.split("_")[1])
                own = database.read_keypoints(number + 1)
                first[number] = len(own)
                database.update_keypoints(number + 1, np.vstack([own, _shaped(given[name], own.shape[1])]).astype(np.float32))
        for one, two in added_pairs(request):
            added = given[f"matches_{one}_{two}"] + np.array([first[one], first[two]])
            if database.exists_matches(one + 1, two + 1):
                added = np.vstack([database.read_matches(one + 1, two + 1), added])
                database.delete_matches(one + 1, two + 1)
            if database.exists_two_view_geometry(one + 1, two + 1):
                database.delete_two_view_geometry(one + 1, two + 1)
            database.write_matches(one + 1, two + 1, added.astype(np.uint32))
    database.close()
    os.replace(partial, path)


def add_keypoints(model: Path, database: Path, folder: Path) -> Any:
    """A model whose photos have those keypoints of the database, too, that came after it was made; written into `folder`, and read."""
    opened = pycolmap.Database.open(database)
    folder.mkdir(exist_ok=True)
    pycolmap.Reconstruction(model).write_text(folder)  # in memory a photo's points are set once
    lines = (folder / "images.txt").read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    body = lines[len(head) :]
    for row in range(0, len(body), 2):
        known = len(body[row + 1].split()) // 3
        added = opened.read_keypoints(int(body[row].split()[0]))[known:, :2]
        body[row + 1] = " ".join([body[row + 1], *(f"{x:.9g} {y:.9g} -1" for x, y in added.tolist())])
    opened.close()
    (folder / "images.txt").write_text("\n".join([*head, *body, ""]), encoding="utf-8")
    return pycolmap.Reconstruction(folder)


def _shaped(xy: Array, columns: int) -> Array:
    """Keypoints [K,2] with as many columns as SIFT's, of a circle of one pixel: scale and angle, or a 2x2 shape."""
    shape = {2: [], 4: [1.0, 0.0], 6: [1.0, 0.0, 0.0, 1.0]}[columns]
    return np.hstack([xy, np.tile(np.array(shape, np.float32), (len(xy), 1))])
