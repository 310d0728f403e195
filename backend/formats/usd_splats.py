"""Splats in USD as prims of the type ParticleField3DGaussianSplat (OpenUSD 26.03), by the pxr that Blender bundles; older ones serve, too.

Orientations are quaternions, scales standard deviations, opacities 0 to 1; SH stand splat by splat, in the order and with the signs of
3DGS. The stage says which axis is up.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..values import SH_C0, Array, Splats
from .limits import damaged, no_splats
from .scene_nodes import joined, moved
from .splat_rgba import log_scales_of
from .splat_rows import SplatRows, blocks

TYPE = "ParticleField3DGaussianSplat"
APIS = (  # which the type includes where pxr knows it; written for readers that look for these alone
    "ParticleFieldPositionAttributeAPI", "ParticleFieldOrientationAttributeAPI", "ParticleFieldScaleAttributeAPI",
    "ParticleFieldOpacityAttributeAPI", "ParticleFieldKernelGaussianEllipsoidAPI", "ParticleFieldSphericalHarmonicsAttributeAPI",
)  # fmt: skip
SH, DEGREE = "radiance:sphericalHarmonicsCoefficients", "radiance:sphericalHarmonicsDegree"
ENDINGS = (".usdc", ".usda", ".usd", ".usdz")
HEADS = (b"PXR-USDC", b"#usda")
REACH = 3.0  # standard deviations of a splat that its extent holds


def read_usd_splats(path: Path) -> tuple[Splats, int]:
    """The sound splats of all prims of a file, in its axes, and how many broken ones it holds.

    Raises ReifyError where it is damaged, holds none, or pxr is missing.
    """
    pxr = _pxr()
    stage = _stage(path)
    places = pxr["UsdGeom"].XformCache()
    parts = []
    for prim in stage.Traverse():
        if prim.GetTypeName() == TYPE:
            splats, broken = _prim(prim, path)
            parts.append((moved(splats, np.array(places.GetLocalToWorldTransform(prim)).T, path), broken))
    if not parts:
        raise ReifyError(f"{path.name} holds no splats.", "Import it by File › Import › USD, or choose a file with splats.")
    broken = sum(count for _, count in parts)
    if not any(len(splats) for splats, _ in parts):
        raise no_splats(path, broken)
    return joined([splats for splats, _ in parts]), broken


def up_of_usd(path: Path) -> str:
    """The axis that a stage says is up, "y" or "z"."""
    return str(_pxr()["UsdGeom"].GetStageUpAxis(_stage(path))).lower()


def is_usd(head: bytes, path: Path) -> bool:
    """Whether a file is USD; whether it holds splats, reading it tells."""
    return head.startswith(HEADS) or (head.startswith(b"PK\x03\x04") and path.suffix.lower() == ".usdz")


def _pxr() -> dict[str, Any]:
    try:
        from pxr import Gf, Sdf, Tf, Usd, UsdGeom, UsdUtils, Vt
    except ImportError as error:
        raise ReifyError("USD files need Blender's own USD library, which isn't here.", "Use .ply or .glb, or do it in Blender.") from error
    return {"Gf": Gf, "Sdf": Sdf, "Tf": Tf, "Usd": Usd, "UsdGeom": UsdGeom, "UsdUtils": UsdUtils, "Vt": Vt}


def _stage(path: Path) -> Any:
    pxr = _pxr()
    try:
        return pxr["Usd"].Stage.Open(str(path))
    except pxr["Tf"].ErrorException as error:
        raise damaged(path) from error


def _prim(prim: Any, path: Path) -> tuple[Splats, int]:
    means, turns, scales, opacity = (_values(prim, name) for name in ("positions", "orientations", "scales", "opacities"))
    if means is None or turns is None or scales is None:
        raise damaged(path)
    count = len(means)
    sh, degree = _values(prim, SH), prim.GetAttribute(DEGREE)
    if sh is None:
        color = _values(prim, "primvars:displayColor")
        base = np.full((count, 3), 0.5) if color is None else np.broadcast_to(color, (count, 3)) if len(color) == 1 else color
        sh, functions = (base - 0.5) / SH_C0, 1
    else:
        said = degree.Get() if degree else None
        functions = (int(said) + 1) ** 2 if said is not None else len(sh) // max(count, 1)
    opacity = np.ones(count) if opacity is None else opacity
    if {len(turns), len(scales), len(opacity)} != {count} or len(sh) != count * functions or functions not in (1, 4, 9, 16, 25):
        raise damaged(path)
    rows = SplatRows(count, math.isqrt(functions) - 1)
    sh = sh.reshape(count, functions, 3)
    for part in blocks(count):
        alpha = np.clip(opacity[part].astype(np.float32), 1e-7, 1 - 1e-7)
        turn = turns[part][:, [3, 0, 1, 2]].astype(np.float32)
        rows.add(
            means[part].astype(np.float32), turn, log_scales_of(scales[part]), np.log(alpha / (1 - alpha)), sh[part].astype(np.float32)
        )
    return rows.splats(), rows.broken


def _values(prim: Any, name: str) -> Array | None:
    """The values of an attribute, of its half precision twin where it has none of its own."""
    for each in (name, f"{name}h"):
        attribute = prim.GetAttribute(each)
        values = attribute.Get() if attribute else None
        if values is not None:
            return np.array(values)
    return None


def write_usd_splats(splats: Splats, path: Path, up: str) -> None:
    """Write splats of any SH degree as one prim, with the axis that is `up`; raises ReifyError where it can't be written."""
    pxr = _pxr()
    stage = pxr["Usd"].Stage.CreateInMemory()
    if up in ("y", "z"):
        pxr["UsdGeom"].SetStageUpAxis(stage, up.upper())
    pxr["UsdGeom"].SetStageMetersPerUnit(stage, 1.0)
    _define(stage, splats, pxr)
    with writing(path) as written:
        layer = written.with_suffix(".usdc") if path.suffix.lower() == ".usdz" else written
        stage.GetRootLayer().Export(str(layer))
        if layer != written:
            pxr["UsdUtils"].CreateNewUsdzPackage(pxr["Sdf"].AssetPath(str(layer)), str(written))
            layer.unlink()


def _define(stage: Any, splats: Splats, pxr: dict[str, Any]) -> None:
    prim = stage.DefinePrim("/Splats", TYPE)
    stage.SetDefaultPrim(prim)
    for api in APIS:
        prim.AddAppliedSchema(api)
    names, arrays = pxr["Sdf"].ValueTypeNames, pxr["Vt"]
    scales = np.exp(splats.log_scales)
    reach = REACH * scales.max(axis=1, keepdims=True)
    extent = np.stack([(splats.means - reach).min(axis=0), (splats.means + reach).max(axis=0)])
    columns = (
        ("positions", names.Point3fArray, arrays.Vec3fArray, splats.means),
        ("orientations", names.QuatfArray, arrays.QuatfArray, splats.quats[:, [1, 2, 3, 0]]),
        ("scales", names.Float3Array, arrays.Vec3fArray, scales),
        ("opacities", names.FloatArray, arrays.FloatArray, 1 / (1 + np.exp(-splats.opacity_logits))),
        (SH, names.Float3Array, arrays.Vec3fArray, splats.sh.reshape(-1, 3)),
        ("extent", names.Float3Array, arrays.Vec3fArray, extent),
    )
    for name, kind, array, values in columns:
        prim.CreateAttribute(name, kind, custom=False).Set(array.FromNumpy(np.ascontiguousarray(values, np.float32)))
    uniform = pxr["Sdf"].VariabilityUniform
    prim.CreateAttribute(DEGREE, names.Int, custom=False, variability=uniform).Set(splats.sh_degree)
