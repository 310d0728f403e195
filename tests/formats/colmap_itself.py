"""What COLMAP itself makes of models, asked in a process of its own: a process that imports pycolmap reports its crashes no more.

colmap_itself.py synthesize OUT VALUES    a small model for each camera model of VALUES (a JSON object, name to parameters),
                                          as binary and as text, and what it says of its points, in OUT/NAME
colmap_itself.py read MODEL SAYS          what it reads of the model in the folder MODEL, as SAYS (.npz)
"""

import json
import sys
from pathlib import Path

import numpy as np
import pycolmap


def synthesize(out: Path, values: dict[str, list[float]]) -> None:
    """16 pictures of 640 x 480 px by rigs of two cameras, and 40 points, for each camera model."""
    for name, parameters in values.items():
        options = pycolmap.SyntheticDatasetOptions()
        options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig, options.num_points3D = 2, 2, 4, 40
        options.camera_model_id = getattr(pycolmap.CameraModelId, name)
        options.camera_params = parameters
        options.camera_width, options.camera_height = 640, 480
        model = pycolmap.synthesize_dataset(options)
        for kind, write in (("binary", model.write_binary), ("text", model.write_text)):
            (out / name / kind).mkdir(parents=True)
            write(str(out / name / kind))
        points = [point for _, point in sorted(model.points3D.items())]
        xyz = np.array([point.xyz for point in points])
        images = sorted(model.images.values(), key=lambda image: image.name)
        in_cam = [image.cam_from_world() * xyz for image in images]
        np.savez(
            out / name / "says.npz",
            names=[image.name for image in images],
            xyz=xyz,
            in_cam=in_cam,
            pixels=[image.camera.img_from_cam(seen) for image, seen in zip(images, in_cam, strict=True)],
        )


def read(folder: Path, says: Path) -> None:
    """Names, poses and intrinsics of its pictures, and how many cameras and points it has."""
    model = pycolmap.Reconstruction(str(folder))
    images = list(model.images.values())
    np.savez(
        says,
        ids=[image.image_id for image in images],
        names=[image.name for image in images],
        cam_from_world=[image.cam_from_world().matrix() for image in images],
        K=[image.camera.calibration_matrix() for image in images],
        counts=[len(model.cameras), len(model.points3D)],
    )


if __name__ == "__main__":
    if sys.argv[1] == "synthesize":
        synthesize(Path(sys.argv[2]), json.loads(sys.argv[3]))
    else:
        read(Path(sys.argv[2]), Path(sys.argv[3]))
