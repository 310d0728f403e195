"""`python3 dev.py miniatures`: train two small networks from a picture to a shape, and leave their weights among the tests' fixtures."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from . import evaluation
from .making import folder, samples_in
from .networks import NAMES, kept
from .training import train


def main() -> None:
    """Make what is missing, train, and say how good it is on shapes whose families weren't seen."""
    parser = argparse.ArgumentParser(prog="dev.py miniatures", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1500.0, help="of training, for each network (default: 1500)")
    parser.add_argument("--only", choices=NAMES, action="append", help="train this one alone")
    parser.add_argument("--threads", type=int, default=1, help="of the training (default: 1)")
    parser.add_argument("--folder", type=Path, default=folder(), help="of samples and checkpoints")
    chosen = parser.parse_args()
    learned, held_out = samples_in(chosen.folder)
    print(f"{len(learned.names)} shapes to learn from; {len(held_out.names)} held out, of {len(np.unique(held_out.families))} families")
    torch.set_num_threads(chosen.threads)
    wanted = held_out.grids()
    for name in chosen.only or NAMES:
        network = train(name, learned, chosen.seconds, chosen.folder / f"{name}.pt")
        arrays = {key: value.half().contiguous() for key, value in network.state_dict().items()}
        save_file(arrays, kept(name), {"purpose": "test fixture", "made_by": "python3 dev.py miniatures"})
        found = evaluation.by_network(evaluation.loaded(name), held_out)
        print(f"{name}: IoU {evaluation.iou(found, wanted).mean():.3f}, {kept(name).stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
