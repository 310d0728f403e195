"""Numba kernels that fill the sparse grid; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def mark_blocks(origin, voxel, slot, pose, intrinsics, depth, weight, truncation, center, radius, stride):
    """Set `slot` [X,Y,Z] to 0 along every ray from `truncation` before the surface to as far behind it, inside the ball.

    Rays are two voxels thick, so that all corners of a crossed cell get samples.
    """
    edge = 8.0 * voxel
    fx, fy, cx, cy = intrinsics
    steps = max(1, int(np.ceil(0.5 * truncation / voxel)))
    for y in range(0, depth.shape[0], stride):
        for x in range(0, depth.shape[1], stride):
            d = depth[y, x]
            if weight[y, x] == 0 or not np.isfinite(d):
                continue
            rx, ry = (x + 0.5 - cx) / fx, (y + 0.5 - cy) / fy
            along = truncation / np.sqrt(rx * rx + ry * ry + 1.0)
            for s in range(-steps, steps + 1):
                z = d + along * s / steps
                a, b, c = rx * z - pose[0, 3], ry * z - pose[1, 3], z - pose[2, 3]
                px = pose[0, 0] * a + pose[1, 0] * b + pose[2, 0] * c
                py = pose[0, 1] * a + pose[1, 1] * b + pose[2, 1] * c
                pz = pose[0, 2] * a + pose[1, 2] * b + pose[2, 2] * c
                if (px - center[0]) ** 2 + (py - center[1]) ** 2 + (pz - center[2]) ** 2 > radius * radius:
                    continue
                px, py, pz = px - origin[0], py - origin[1], pz - origin[2]
                for i in range(int((px - voxel) / edge), int((px + voxel) / edge) + 1):
                    for j in range(int((py - voxel) / edge), int((py + voxel) / edge) + 1):
                        for k in range(int((pz - voxel) / edge), int((pz + voxel) / edge) + 1):
                            slot[i, j, k] = 0


@njit(cache=True, nogil=True)
def integrate(origin, voxel, truncation, reach, blocks, pose, intrinsics, depth, facing, weight, distance, total, hidden):
    """Add one depth map to the running weighted mean of distances [B,8,8,8], in units of the truncation, and to its weight.

    Distances are to the tangent plane of the pixel's surface point, so that tilted surfaces aren't thickened. Voxels farther
    behind the surface than the truncation, but not than `reach`, add the weight to `hidden` instead.
    """
    fx, fy, cx, cy = intrinsics
    height, width = depth.shape
    r = pose[:3, :3] * voxel
    half_diagonal = 0.5 * 8 * voxel * np.sqrt(3.0)
    for b in range(blocks.shape[0]):
        wx = origin[0] + voxel * 8 * blocks[b, 0]
        wy = origin[1] + voxel * 8 * blocks[b, 1]
        wz = origin[2] + voxel * 8 * blocks[b, 2]
        ox = pose[0, 0] * wx + pose[0, 1] * wy + pose[0, 2] * wz + pose[0, 3]
        oy = pose[1, 0] * wx + pose[1, 1] * wy + pose[1, 2] * wz + pose[1, 3]
        oz = pose[2, 0] * wx + pose[2, 1] * wy + pose[2, 2] * wz + pose[2, 3]
        mx = ox + 3.5 * (r[0, 0] + r[0, 1] + r[0, 2])
        my = oy + 3.5 * (r[1, 0] + r[1, 1] + r[1, 2])
        mz = oz + 3.5 * (r[2, 0] + r[2, 1] + r[2, 2])
        if mz < -half_diagonal:
            continue
        if mz > half_diagonal:
            near = mz - half_diagonal
            reach_x, reach_y = fx * half_diagonal / near * 1.5, fy * half_diagonal / near * 1.5
            u, v = fx * mx / mz + cx, fy * my / mz + cy
            if u < -reach_x or v < -reach_y or u > width + reach_x or v > height + reach_y:
                continue
        for i in range(8):
            for j in range(8):
                for k in range(8):
                    z = oz + r[2, 0] * i + r[2, 1] * j + r[2, 2] * k
                    if z <= 1e-9:
                        continue
                    qx = (ox + r[0, 0] * i + r[0, 1] * j + r[0, 2] * k) / z
                    qy = (oy + r[1, 0] * i + r[1, 1] * j + r[1, 2] * k) / z
                    u, v = fx * qx + cx - 0.5, fy * qy + cy - 0.5
                    x, y = int(np.floor(u + 0.5)), int(np.floor(v + 0.5))
                    if x < 0 or y < 0 or x >= width or y >= height or weight[y, x] == 0:
                        continue
                    d = depth[y, x]
                    cosine = facing[y, x] / 255.0
                    w = weight[y, x] / 255.0
                    x0, y0 = int(np.floor(u)), int(np.floor(v))
                    if x0 >= 0 and y0 >= 0 and x0 + 1 < width and y0 + 1 < height:
                        smallest = min(min(weight[y0, x0], weight[y0, x0 + 1]), min(weight[y0 + 1, x0], weight[y0 + 1, x0 + 1]))
                        d00, d01, d10, d11 = depth[y0, x0], depth[y0, x0 + 1], depth[y0 + 1, x0], depth[y0 + 1, x0 + 1]
                        spread = max(max(d00, d01), max(d10, d11)) - min(min(d00, d01), min(d10, d11))
                        if smallest > 0 and spread < truncation:
                            a, c = u - x0, v - y0
                            d = (1 - c) * ((1 - a) * d00 + a * d01) + c * ((1 - a) * d10 + a * d11)
                    along = (d - z) * np.sqrt(qx * qx + qy * qy + 1.0)
                    # Hidden is measured along the ray: voxels far behind can be near the tangent plane of a tilted surface.
                    if along < -truncation:
                        if along > -reach:
                            hidden[b, i, j, k] += w
                        continue
                    sdf = min(along * cosine / truncation, 1.0)
                    before = total[b, i, j, k]
                    distance[b, i, j, k] = (distance[b, i, j, k] * before + sdf * w) / (before + w)
                    total[b, i, j, k] = before + w


@njit(cache=True, nogil=True)
def close_pockets(most, distance, weight, hidden):
    """Make voxels solid whose hidden weight is more than `most` times their weight as empty."""
    for b in range(distance.shape[0]):
        for i in range(8):
            for j in range(8):
                for k in range(8):
                    w, h = weight[b, i, j, k], hidden[b, i, j, k]
                    if w > 0 and h > most * w:
                        behind = h / most
                        distance[b, i, j, k] = (distance[b, i, j, k] * w - behind) / (w + behind)


@njit(cache=True, nogil=True)
def _neighbor(v, axis, step, blocks, slot):
    """The voxel one `step` from voxel v = 512 block + 64 i + 8 j + k along an axis, -1 where there is no block."""
    b, stride = v // 512, 64 >> 3 * axis
    at = v % 512 // stride % 8 + step
    if 0 <= at < 8:
        return v + step * stride
    x, y, z = (
        blocks[b, 0] + (step if axis == 0 else 0),
        blocks[b, 1] + (step if axis == 1 else 0),
        blocks[b, 2] + (step if axis == 2 else 0),
    )
    if x < 0 or y < 0 or z < 0 or x >= slot.shape[0] or y >= slot.shape[1] or z >= slot.shape[2] or slot[x, y, z] < 0:
        return -1
    return np.int64(slot[x, y, z]) * 512 + v % 512 - step * 7 * stride


@njit(cache=True, nogil=True)
def find_rims(blocks, slot, distance, weight, rounds):
    """Unknown voxels [N] within `rounds` steps of the surface's rims, through other unknown ones.

    Rims are cells with known corners on both sides of the surface, and unknown ones. `distance` and `weight` are flat.
    """
    found = np.zeros(len(distance), np.bool_)
    cell = np.empty(8, np.int64)
    queue = [np.int64(0)]
    queue.pop()
    for v in range(len(distance)):
        cell[0] = v
        for corner in range(1, 8):
            axis = 0 if corner < 2 else (1 if corner < 4 else 2)
            before = cell[corner - (1 << axis)]
            cell[corner] = -1 if before < 0 else _neighbor(before, axis, 1, blocks, slot)
        front, behind, unknown = False, False, False
        for corner in range(8):
            c = cell[corner]
            if c < 0:
                continue
            if weight[c] <= 0:
                unknown = True
            elif distance[c] < 0:
                behind = True
            else:
                front = True
        if front and behind and unknown:
            for corner in range(8):
                c = cell[corner]
                if c >= 0 and weight[c] <= 0 and not found[c]:
                    found[c] = True
                    queue.append(c)
    first = 0
    for _ in range(rounds):
        last = len(queue)
        for n in range(first, last):
            for side in range(6):
                c = _neighbor(queue[n], side // 2, 2 * (side % 2) - 1, blocks, slot)
                if c >= 0 and weight[c] <= 0 and not found[c]:
                    found[c] = True
                    queue.append(c)
        first = last
    return np.array(queue)


@njit(cache=True, nogil=True)
def diffuse(voxels, blocks, slot, distance, weight, sweeps, faint):
    """Fill the distances of the unknown `voxels` [N] harmonically from the known ones; they get the weight `faint`."""
    for v in voxels:
        weight[v] = faint
    around = np.full((len(voxels), 6), -1, np.int64)
    for n in range(len(voxels)):
        for side in range(6):
            c = _neighbor(voxels[n], side // 2, 2 * (side % 2) - 1, blocks, slot)
            if c >= 0 and weight[c] > 0:
                around[n, side] = c
    for _ in range(sweeps):
        for n in range(len(voxels)):
            total, count = np.float32(0), 0
            for side in range(6):
                if around[n, side] >= 0:
                    total += distance[around[n, side]]
                    count += 1
            if count > 0:
                v = voxels[n]
                distance[v] += np.float32(1.6) * (total / count - distance[v])


@njit(cache=True, nogil=True)
def smooth(blocks, slot, distance, sweeps):
    """Diffuse the distances, flat, by Jacobi sweeps of a quarter of a squared voxel of variance along each axis; borders are mirrored."""
    before = np.empty_like(distance)
    for _ in range(sweeps):
        before[:] = distance
        for v in range(len(distance)):
            total = np.float32(0)
            at = v % 512
            i, j, k = at // 64, at // 8 % 8, at % 8
            if 0 < i < 7 and 0 < j < 7 and 0 < k < 7:
                total = before[v - 64] + before[v + 64] + before[v - 8] + before[v + 8] + before[v - 1] + before[v + 1]
            else:
                for side in range(6):
                    c = _neighbor(v, side // 2, 2 * (side % 2) - 1, blocks, slot)
                    total += before[c] if c >= 0 else before[v]
            distance[v] = np.float32(0.25) * before[v] + np.float32(0.125) * total


@njit(cache=True, nogil=True)
def count_witnesses(depth, weight, pose, intrinsics, other_depth, other_pose, other_intrinsics, tolerance, count):
    """Add 1 to `count` [H,W] where another depth map has the pixel's surface point within `tolerance` world units of its depth."""
    fx, fy, cx, cy = intrinsics
    gx, gy, dx, dy = other_intrinsics
    turn = np.ascontiguousarray(other_pose[:3, :3]) @ np.ascontiguousarray(pose[:3, :3].T)
    shift = other_pose[:3, 3] - turn @ np.ascontiguousarray(pose[:3, 3])
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            z = depth[y, x]
            if weight[y, x] == 0 or not np.isfinite(z):
                continue
            a, b = (x + 0.5 - cx) / fx * z, (y + 0.5 - cy) / fy * z
            far = turn[2, 0] * a + turn[2, 1] * b + turn[2, 2] * z + shift[2]
            if far <= 0:
                continue
            u = gx * (turn[0, 0] * a + turn[0, 1] * b + turn[0, 2] * z + shift[0]) / far + dx
            v = gy * (turn[1, 0] * a + turn[1, 1] * b + turn[1, 2] * z + shift[1]) / far + dy
            i, j = int(np.floor(v)), int(np.floor(u))
            if i < 0 or j < 0 or i >= other_depth.shape[0] or j >= other_depth.shape[1]:
                continue
            if abs(other_depth[i, j] - far) < tolerance:
                count[y, x] += 1
