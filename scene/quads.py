"""Quads by Blender's QuadriFlow, made to work: it wants manifold meshes with long edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.geometry import triangles
from ..backend.jobs.job import Job
from ..backend.mesh.cleaning import repair
from ..backend.mesh.transfer import transfer
from ..backend.values import Mesh, Result
from .mesh import mesh_data, read_quads

SIZE = 100.0  # width of the mesh while QuadriFlow works on it: it loses its way on small ones
SHORTEST = 1e-3  # of its edges then; it refuses 1e-4 and shorter


def finished(result: Result) -> Result:
    """The result with what only Blender can do to it, before it is placed or written: quads, where its settings ask for them.

    Where that fails, the report says so and the triangles stay.
    """
    wanted = result.report.settings.get("quads", 0)
    if not wanted or result.mesh is None or result.mesh.quads:
        return result
    try:
        mesh = quadriflow(result.mesh, wanted)
    except ReifyError as error:
        return replace(result, report=replace(result.report, warnings=(*result.report.warnings, f"{error.what} {error.fix}")))
    metrics = {**result.report.metrics, "faces": float(len(mesh.faces) - mesh.quads), "quads": float(mesh.quads)}
    return replace(result, mesh=mesh, report=replace(result.report, metrics=metrics))


def quadriflow(mesh: Mesh, quads: int) -> Mesh:
    """About `quads` quads over the same surface, with UVs and colors from there; takes seconds, in the main thread.

    Raises ReifyError where Blender finds no quads.
    """
    job = Job()
    sound = repair(mesh, job=job, quiet=True)
    origin, scale = sound.vertices.mean(axis=0), _scale(sound)
    data = mesh_data("Reify Quads", Mesh(((sound.vertices - origin) * scale).astype(np.float32), sound.faces))
    made: Any = bpy.data.objects.new("Reify Quads", data)
    scene = bpy.data.scenes.new("Reify Quads")
    scene.collection.objects.link(made)
    try:
        layer = scene.view_layers[0]
        with bpy.context.temp_override(
            scene=scene, view_layer=layer, active_object=made, object=made, selected_objects=[made], selected_editable_objects=[made]
        ):
            try:
                done = bpy.ops.object.quadriflow_remesh(
                    mode="FACES", target_faces=quads, use_preserve_boundary=True, use_mesh_symmetry=False, smooth_normals=True
                )
            except RuntimeError:  # how operators refuse to work
                done = {"CANCELLED"}
        if done != {"FINISHED"} or not made.data.polygons:
            raise ReifyError("QuadriFlow found no quads for this mesh.", "Simplify it, or make it watertight by building it anew.")
        flat = read_quads(made.data)
    finally:
        left = made.data
        bpy.data.objects.remove(made)
        bpy.data.meshes.remove(left)
        bpy.data.scenes.remove(scene)
    return transfer(replace(flat, vertices=(flat.vertices / scale + origin).astype(np.float32)), mesh)


def _scale(mesh: Mesh) -> float:
    shortest = float(triangles.edge_lengths(triangles.corners_of(mesh.vertices, mesh.faces)).min())
    size = float(np.ptp(mesh.vertices, axis=0).max()) or 1.0
    return max(SIZE / size, SHORTEST / max(shortest, 1e-9 * size))
