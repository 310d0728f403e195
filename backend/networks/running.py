"""Running networks: a module built without memory, its weights from mapped files, on the device that there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import ReifyError
from ..jobs.environment import Environment
from .holding import held
from .memory import ON_CARD, ON_PROCESSOR, Holding

Module = TypeVar("Module", bound=nn.Module)


def built(
    make: Callable[[], Module],
    weights: Path,
    device: torch.device,
    ours: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict,
    mixed: bool = False,
    way: Holding | None = None,
) -> Module:
    """The module that `make` makes, with its weights from a .safetensors file, for inference on a device.

    `ours` gives the file's arrays our names, where they have others. On the processor half precision becomes float32, which is faster
    there; elsewhere all becomes half, unless the file is `mixed`: then each array keeps its type. Whole numbers, as of a vocabulary, stay
    what they are. A `way` that isn't the usual one holds matrices in less memory than they compute in. Raises ReifyError where the file is
    damaged, or its names or shapes aren't exactly the module's: nothing of it is converted before they are.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with torch.device("meta"):
        module = make()
    try:
        mapped = ours(load_file(weights))
    except (SafetensorError, OSError) as error:
        raise ReifyError(f"{weights} is damaged: {error}.", "Remove the model and get it again.") from error
    if {name: array.shape for name, array in mapped.items()} != {name: array.shape for name, array in module.state_dict().items()}:
        raise ReifyError(f"{weights} doesn't hold the weights of this model.", "Remove the model and get it again.")
    real = torch.float32 if device.type == "cpu" else None if mixed else torch.float16
    kinds = {name: (real if array.is_floating_point() else None) or array.dtype for name, array in mapped.items()}
    if way is None or way in (ON_PROCESSOR[0], ON_CARD[0]):
        arrays = {name: array.to(device, kinds[name]) for name, array in mapped.items()}
    else:
        arrays = held(module, mapped, kinds, way, device)
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
