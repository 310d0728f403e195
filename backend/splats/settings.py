"""What can be set about the training of splats."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import option


@dataclass(frozen=True)
class TrainingSettings:
    """How splats are trained."""

    seconds: float = option(
        300.0,
        "Time for training, with reading the photos and placing the first splats; 0 for no limit. Training ends when either the "
        "time or the steps are used up",
        low=0,
        high=86400,
        unit="s",
        label="Time",
    )
    steps: int = option(30_000, "Most optimization steps, each of them on one photo", low=1, high=1_000_000)
    long_side_px: int = option(960, "Photos are shrunk to this length of their longer side before training", low=64, high=4096, unit="px")
    max_splats: int = option(0, "Most splats, 0 to choose by the memory and time there is", low=0, high=20_000_000)
    sh_degree: int = option(3, "How finely colors may depend on the viewing direction: 0 not at all, 3 as usual", low=0, high=3)
    aim: str = option(
        "look",
        "What the splats are for",
        choices={
            "look": "Pictures: splats of any shape, as like the photos as can be",
            "surface": "Meshes: flat splats, drawn together and aligned to one smooth surface",
        },
    )
    start_from: str = option(
        "auto",
        "Where the first splats are put",
        choices={
            "auto": "The visual hull of cut-out photos, else the sparse points of the cameras, else where photos agree",
            "points": "The sparse points that were found along with the cameras",
            "depth": "These, and depth that a network estimates for each photo; needs torch and the weights of Depth Anything",
            "hull": "What lies inside the outlines of all cut-out photos",
            "sweep": "Where neighboring photos agree best",
            "random": "Anywhere between the cameras",
        },
        advanced=True,
    )
    strategy: str = option(
        "mcmc",
        "How splats are added where the photos need them",
        choices={
            "mcmc": "Move faint splats to where the error is, and add some there; a fixed number in the end",
            "classic": "Copy small splats and split large ones where the picture changes most, and remove faint ones",
        },
        advanced=True,
    )
    antialiased: bool = option(False, "Keep thin parts from growing thicker when seen from afar", advanced=True)
    random_background: bool = option(
        True, "Train on changing backgrounds, so that dark parts become opaque and empty space stays empty", advanced=True
    )
    exposure: bool = option(
        False, "Let brightness and tint differ from photo to photo, as cameras choose them anew for each", advanced=True
    )
    refine_cameras: bool = option(False, "Correct where the cameras stand while splats are trained", advanced=True)
    ssim_weight: float = option(0.2, "How much structural similarity counts beside plain color difference", low=0, high=1, advanced=True)
    least_share: float = option(
        0.05,
        "Splats that make up less than this share of every pixel are removed near the end: fewer splats render faster",
        low=0,
        high=0.5,
        advanced=True,
    )
    opacity_weight: float = option(0.001, "How strongly faint splats are faded out, against fog", low=0, high=1, advanced=True)
    scale_weight: float = option(0.01, "How strongly splats are kept small, against blobs", low=0, high=1, advanced=True)
    needle_weight: float = option(1e-4, "How strongly splats are kept from becoming needles", low=0, high=1, advanced=True)
    distortion_weight: float = option(
        10.0, "For meshes: how strongly flat splats along a ray are drawn to one depth", low=0, high=1000, advanced=True
    )
    normal_weight: float = option(
        0.2, "For meshes: how strongly flat splats are aligned to the surface that they make up", low=0, high=10, advanced=True
    )
    photo_agreement_weight: float = option(
        1.0, "For meshes: how strongly the surface is moved to where neighboring photos show the same on it", low=0, high=10, advanced=True
    )
    depth_agreement_weight: float = option(
        0.05, "For meshes: how strongly depths that neighboring cameras see are made to agree", low=0, high=10, advanced=True
    )
    device: str = option(
        "cpu",
        "What computes the training",
        choices={
            "cpu": "The processor",
            "auto": "An NVIDIA graphics card if there is one and it passes a check against the processor, else the processor",
            "cuda": "An NVIDIA graphics card; new, and checked against the processor before each training",
            "gsplat": "An NVIDIA graphics card with gsplat, where that is installed",
        },
        advanced=True,
    )
    leave_free: int = option(0, "Processor cores that training leaves to other work", low=0, high=256, advanced=True)
