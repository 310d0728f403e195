"""What speaks against handing a cut-out picture to a network that makes one object of it."""

from __future__ import annotations

import numpy as np

from ..geometry import masks
from ..values import Picture

LEAST_PX = 256  # of the subject's longer side; networks look at 512
ANOTHER = 0.15  # of the largest part's area, from which a part counts as a subject of its own
CUT_OFF = 0.05  # of the picture's border that a subject may touch
MARGIN = 0.98  # of the picture, from which on nothing has been cut away


def doubts_about(picture: Picture, scale: float = 1.0) -> tuple[str, ...]:
    """A sentence for each doubt: several subjects, too small, cut off, not cut out; `picture` is `scale` times as large as the original."""
    from scipy.ndimage import label

    inside = picture.coverage > 0.5
    if not inside.any():
        return ()
    if inside.mean() > MARGIN:
        return (f"Nothing is cut away from {picture.name}: networks take all of it for one object. Choose another way to cut it out.",)
    found = []
    sizes = np.bincount(label(inside, np.ones((3, 3), int))[0].ravel())[1:]
    if (several := int((sizes >= ANOTHER * sizes.max()).sum())) > 1:
        found.append(
            f"{picture.name} shows {several} things apart, and networks make one object of them. Keep the largest only, or draw a box."
        )
    rows, columns = masks.bounds(inside)
    longer = round(max(rows.stop - rows.start, columns.stop - columns.start) / scale)
    if longer < LEAST_PX:
        found.append(f"The subject of {picture.name} is only {longer} px large: networks see little of it. Choose a larger picture.")
    if np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]]).mean() > CUT_OFF:
        what = f"The subject of {picture.name} is cut off by the picture's border, and networks take it for whole."
        found.append(f"{what} Choose one that shows all of it.")
    return tuple(found)
