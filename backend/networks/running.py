"""Running networks: a module built without memory, its weights from mapped files, on the device that there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from ..errors import ReifyError
from ..jobs.environment import Environment

Module = TypeVar("Module", bound=nn.Module)


def built(make: Callable[[], Module], weights: Path, device: torch.device) -> Module:
    """The module that `make` makes, with its weights from a .safetensors file, for inference on a device.

    On the processor half precision becomes float32, which is faster there. Raises ReifyError where the file is damaged, or its names or
    shapes aren't exactly the module's: nothing is read before they are.
    """
    from safetensors import SafetensorError, safe_open

    with torch.device("meta"):
        module = make()
    wanted = {name: list(array.shape) for name, array in module.state_dict().items()}
    kind = torch.float32 if device.type == "cpu" else torch.float16
    try:
        with safe_open(weights, "pt") as opened:
            if {name: opened.get_slice(name).get_shape() for name in opened.keys()} != wanted:  # noqa: SIM118, no mapping
                raise ReifyError(f"{weights} doesn't hold the weights of this model.", "Remove the model and get it again.")
            arrays = {name: opened.get_tensor(name).to(device, kind) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise ReifyError(f"{weights} is damaged: {error}.", "Remove the model and get it again.") from error
    module.load_state_dict(arrays, strict=True, assign=True)
    return module.eval().requires_grad_(False)


def chosen_device(environment: Environment) -> torch.device:
    """The device that networks run on: NVIDIA's or Apple's where there is one and the environment doesn't ask for the processor."""
    if environment.device != "cpu":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
    return torch.device("cpu")
