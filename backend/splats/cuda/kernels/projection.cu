// Splats to ellipses on the picture and back, one thread a splat: the equations of cpu/projection.py and cpu/planes.py.

// Everything between a splat's parameters and its 2D covariance (xx, xy, yy; without blur).
struct Affine {
    float tx, ty, tz;  // in the camera
    float ux, uy;      // on the image plane at focal length 1, held to 1.3 fields of view
    bool free_x, free_y;
    float j[6];  // d pixel / d world
    float r[9];  // of the splat
    float u[6];  // j r
    float scale[3];
    float sigma;  // opacity
    float xx, xy, yy;
};

__device__ inline void rotation(float w, float x, float y, float z, float* r)
{
    float k = rsqrtf(w * w + x * x + y * y + z * z + 1e-20f);
    w *= k, x *= k, y *= k, z *= k;
    r[0] = 1 - 2 * (y * y + z * z), r[1] = 2 * (x * y - w * z), r[2] = 2 * (x * z + w * y);
    r[3] = 2 * (x * y + w * z), r[4] = 1 - 2 * (x * x + z * z), r[5] = 2 * (y * z - w * x);
    r[6] = 2 * (x * z - w * y), r[7] = 2 * (y * z + w * x), r[8] = 1 - 2 * (x * x + y * y);
}

// Gradient by the quaternion q from the gradient m[9] by its rotation matrix.
__device__ inline void rotation_back(const float* q, const float* m, float* g)
{
    float w = q[0], x = q[1], y = q[2], z = q[3];
    float k = rsqrtf(w * w + x * x + y * y + z * z + 1e-20f);
    w *= k, x *= k, y *= k, z *= k;
    float vw = 2 * (x * (m[7] - m[5]) + y * (m[2] - m[6]) + z * (m[3] - m[1]));
    float vi = 2 * (-2 * x * (m[4] + m[8]) + y * (m[1] + m[3]) + z * (m[2] + m[6]) + w * (m[7] - m[5]));
    float vj = 2 * (x * (m[1] + m[3]) - 2 * y * (m[0] + m[8]) + z * (m[5] + m[7]) + w * (m[2] - m[6]));
    float vk = 2 * (x * (m[2] + m[6]) + y * (m[5] + m[7]) - 2 * z * (m[0] + m[4]) + w * (m[3] - m[1]));
    float along = w * vw + x * vi + y * vj + z * vk;
    g[0] = k * (vw - w * along), g[1] = k * (vi - x * along), g[2] = k * (vj - y * along), g[3] = k * (vk - z * along);
}

__device__ inline float power(float logarithm)
{
    return exp2f(fmaxf(fminf(logarithm * LOG2E, 60.0f), -60.0f));
}

__device__ inline float opacity(float logit)
{
    float odds = power(logit);
    return odds / (1 + odds);
}

__device__ inline Affine affine(const float* p, const Camera& camera)
{
    const float* r = camera.v;
    Affine a;
    a.tx = r[0] * p[MEAN] + r[1] * p[MEAN + 1] + r[2] * p[MEAN + 2] + r[TRANSLATION];
    a.ty = r[3] * p[MEAN] + r[4] * p[MEAN + 1] + r[5] * p[MEAN + 2] + r[TRANSLATION + 1];
    a.tz = r[6] * p[MEAN] + r[7] * p[MEAN + 1] + r[8] * p[MEAN + 2] + r[TRANSLATION + 2];
    float fx = r[FOCAL], fy = r[FOCAL + 1], cx = r[PRINCIPAL], cy = r[PRINCIPAL + 1], iz = 1 / a.tz;
    float extra_x = 0.15f * r[SIZE] / fx, extra_y = 0.15f * r[SIZE + 1] / fy;
    a.ux = fminf(fmaxf(a.tx * iz, -cx / fx - extra_x), (r[SIZE] - cx) / fx + extra_x);
    a.uy = fminf(fmaxf(a.ty * iz, -cy / fy - extra_y), (r[SIZE + 1] - cy) / fy + extra_y);
    a.free_x = a.ux == a.tx * iz;
    a.free_y = a.uy == a.ty * iz;
    for (int c = 0; c < 3; c++) {
        a.j[c] = fx * iz * (r[c] - a.ux * r[6 + c]);
        a.j[3 + c] = fy * iz * (r[3 + c] - a.uy * r[6 + c]);
    }
    rotation(p[QUATERNION], p[QUATERNION + 1], p[QUATERNION + 2], p[QUATERNION + 3], a.r);
    a.xx = a.xy = a.yy = 0;
    for (int c = 0; c < 3; c++) {
        a.u[c] = a.j[0] * a.r[c] + a.j[1] * a.r[3 + c] + a.j[2] * a.r[6 + c];
        a.u[3 + c] = a.j[3] * a.r[c] + a.j[4] * a.r[3 + c] + a.j[5] * a.r[6 + c];
        a.scale[c] = power(p[LOG_SCALE + c]);
        float q = square(a.scale[c]);
        a.xx += a.u[c] * a.u[c] * q;
        a.xy += a.u[c] * a.u[3 + c] * q;
        a.yy += a.u[3 + c] * a.u[3 + c] * q;
    }
    a.sigma = opacity(p[OPACITY]);
    return a;
}

// Completes the row of a projected splat by its color and writes it, with its box, the number of tiles it touches and its depth; unless it
// isn't finite. A broken splat must not spoil the picture, and with it all others; the training loop finds and removes it.
__device__ inline void put(
    int n, const float* p, int width, int bases, const Camera& camera, int tiles_x, int tiles_y, float* row, float* projected, short* boxes,
    int* counts, float* depths)
{
    color(p, width, bases, camera, row + RED);
    bool finite = true;
    for (int j = 0; j < PROJECTED; j++) finite = finite && fabsf(row[j]) < LARGEST;
    if (!finite) return;
    for (int c = 0; c < 3; c++) row[RED + c] = fmaxf(row[RED + c], 0.0f);
    float* out = projected + (size_t)n * PROJECTED;
    for (int j = 0; j < PROJECTED; j++) out[j] = row[j];
    short* box = boxes + (size_t)n * 4;
    if (!tile_box(out, tiles_x, tiles_y, box)) return;
    counts[n] = tile_count(out, box);
    if (counts[n] > 0) depths[n] = row[DEPTH];
}

// The plane in which a splat is densest along rays: the depth of its front, the change of depth per pixel, from the inverse of its covariance
// on the picture, and its normal; as in cpu/planes.py.
__device__ inline void plane(const Affine& a, const Camera& camera, float ca, float cb, float cc, float* shape)
{
    const float* r = camera.v;
    float right = 0, down = 0;  // covariance of pixel and depth
    float sharpness = 0;        // inverse variance along the ray through the center, by depth
    for (int c = 0; c < 3; c++) {
        float x = r[0] * a.r[c] + r[1] * a.r[3 + c] + r[2] * a.r[6 + c], y = r[3] * a.r[c] + r[4] * a.r[3 + c] + r[5] * a.r[6 + c];
        float z = r[6] * a.r[c] + r[7] * a.r[3 + c] + r[8] * a.r[6 + c], along = z * square(a.scale[c]);
        sharpness += square(x * a.ux + y * a.uy + z) / fmaxf(square(a.scale[c]), 1e-20f);
        right += a.u[c] * along;
        down += a.u[3 + c] * along;
    }
    shape[FRONT] = a.tz - TO_FRONT * rsqrtf(sharpness);
    shape[SLOPE] = ca * right + cb * down, shape[SLOPE + 1] = cb * right + cc * down;
    float nx = shape[SLOPE] * r[FOCAL] / a.tz, ny = shape[SLOPE + 1] * r[FOCAL + 1] / a.tz, nz = -1 - (nx * a.ux + ny * a.uy);
    float k = rsqrtf(nx * nx + ny * ny + nz * nz);
    shape[NORMAL] = k * nx, shape[NORMAL + 1] = k * ny, shape[NORMAL + 2] = k * nz;
}

// Fills the rows of `projected` and `boxes` of the splats that are visible; `counts` is the number of tiles that each touches (0: unseen),
// `depths` is the largest float where that is 0. `shapes` gets the splats' planes, if it is given.
#define PROJECT_PARAMETERS \
    int count, const float *parameters, int width, int bases, Camera camera, int tiles_x, int tiles_y, int antialiased, \
    float *projected, float *shapes, short *boxes, int *counts, float *depths

extern "C" __global__ void __launch_bounds__(THREADS) project(PROJECT_PARAMETERS)
{
    int n = blockIdx.x * THREADS + threadIdx.x;
    if (n >= count) return;
    counts[n] = 0;
    depths[n] = LARGEST;
    const float* p = parameters + (size_t)n * width;
    Affine a = affine(p, camera);
    if (!(a.tz > NEAR)) return;
    float sharp = a.xx * a.yy - a.xy * a.xy;
    float xx = a.xx + BLUR, yy = a.yy + BLUR, determinant = xx * yy - a.xy * a.xy;
    float alpha = a.sigma;
    if (antialiased) alpha *= sqrtf(fmaxf(sharp / determinant, 1e-12f));
    alpha = fminf(alpha, MOST_ALPHA);
    if (!(alpha > LEAST_ALPHA) || !(determinant > 0)) return;
    float level = log2f(alpha), reach = (level + CUT) * (2 / LOG2E), k = -0.5f * LOG2E / determinant;
    float row[PROJECTED] = {};
    row[X] = camera.v[FOCAL] * a.tx / a.tz + camera.v[PRINCIPAL];
    row[Y] = camera.v[FOCAL + 1] * a.ty / a.tz + camera.v[PRINCIPAL + 1];
    row[QUAD_A] = k * yy, row[QUAD_B] = -2 * k * a.xy, row[QUAD_C] = k * xx, row[QUAD_L] = level;
    row[DEPTH] = a.tz, row[EXTENT_X] = sqrtf(reach * xx), row[EXTENT_Y] = sqrtf(reach * yy), row[ALPHA] = alpha;
    if (shapes) plane(a, camera, yy / determinant, -a.xy / determinant, xx / determinant, shapes + (size_t)n * DISC);
    put(n, p, width, bases, camera, tiles_x, tiles_y, row, projected, boxes, counts, depths);
}

// What a splat's plane adds to the gradients of its ellipse: by where its center is at focal length 1 and by its depth, by the covariance
// of pixel and depth, and by the depths of its axes.
struct PlaneBack { float v_ux, v_uy, v_depth, v_right, v_down, axes[3], v_axes[3]; };

__device__ inline PlaneBack plane_back(
    const Affine& a, const Camera& camera, const float* shape, float ca, float cb, float cc, const float* sums)
{
    const float* r = camera.v;
    PlaneBack back;
    float ax = r[FOCAL] / a.tz, ay = r[FOCAL + 1] / a.tz;
    float nx = shape[SLOPE] * ax, ny = shape[SLOPE + 1] * ay, nz = -1 - (nx * a.ux + ny * a.uy);
    float k = rsqrtf(nx * nx + ny * ny + nz * nz);
    float along = k * k * (nx * sums[V_NORMAL] + ny * sums[V_NORMAL + 1] + nz * sums[V_NORMAL + 2]);
    float vx = k * (sums[V_NORMAL] - nx * along), vy = k * (sums[V_NORMAL + 1] - ny * along), vz = k * (sums[V_NORMAL + 2] - nz * along);
    vx -= a.ux * vz, vy -= a.uy * vz;
    float v_slope_x = sums[V_SLOPE] + ax * vx, v_slope_y = sums[V_SLOPE + 1] + ay * vy;
    back.v_ux = -nx * vz, back.v_uy = -ny * vz;
    back.v_depth = sums[V_DEPTH] - (nx * vx + ny * vy) / a.tz;
    back.v_right = ca * v_slope_x + cb * v_slope_y, back.v_down = cb * v_slope_x + cc * v_slope_y;
    for (int c = 0; c < 3; c++) {
        back.axes[c] = r[6] * a.r[c] + r[7] * a.r[3 + c] + r[8] * a.r[6 + c];
        back.v_axes[c] = square(a.scale[c]) * (back.v_right * a.u[c] + back.v_down * a.u[3 + c]);
    }
    return back;
}

// The chain rule from the sums of a splat's gradient rows to its parameters' gradients g[:BASE_COLOR], and that by a rotation of the world
// about the camera. `shape` is its plane where depth and normals were blended, or missing.
__device__ inline void chain(
    const float* p, const Affine& a, const float* sums, const float* seen, const float* shape, const Camera& camera, bool antialiased,
    float* g, float* turn)
{
    const float* r = camera.v;
    float fx = r[FOCAL], fy = r[FOCAL + 1], iz = 1 / a.tz;
    float sharp = a.xx * a.yy - a.xy * a.xy;
    float xx = a.xx + BLUR, xy = a.xy, yy = a.yy + BLUR, inverse = 1 / (xx * yy - xy * xy);
    float ca = yy * inverse, cb = -xy * inverse, cc = xx * inverse;
    float vx = ca * sums[G_X] + cb * sums[G_Y], vy = cb * sums[G_X] + cc * sums[G_Y];
    float qa = -0.5f * sums[G_XX], qb = -0.5f * sums[G_XY], qc = -0.5f * sums[G_YY];
    float k00 = ca * qa + cb * qb, k01 = ca * qb + cb * qc, k10 = cb * qa + cc * qb, k11 = cb * qb + cc * qc;
    float v00 = -(k00 * ca + k01 * cb), v01 = -(k00 * cb + k01 * cc), v11 = -(k10 * cb + k11 * cc);
    PlaneBack back = {};
    if (shape) {
        back = plane_back(a, camera, shape, ca, cb, cc, sums);
        vx -= shape[SLOPE] * sums[V_DEPTH], vy -= shape[SLOPE + 1] * sums[V_DEPTH];
        v00 -= back.v_right * shape[SLOPE];
        v01 -= 0.5f * (back.v_right * shape[SLOPE + 1] + back.v_down * shape[SLOPE]);
        v11 -= back.v_down * shape[SLOPE + 1];
    }
    g[OPACITY] = 0;
    if (seen[ALPHA] < MOST_ALPHA) {
        g[OPACITY] = sums[G] * (1 - a.sigma);
        if (antialiased && sharp * inverse > 1e-12f) {
            float half = 0.5f * sums[G], k = half / sharp;
            v00 += k * a.yy - half * ca;
            v01 += -k * xy - half * cb;
            v11 += k * a.xx - half * cc;
        }
    }
    // 2D covariance = (u s) (u s)^T; va and vb are the gradients of the rows of u.
    float va[3], vb[3];
    for (int c = 0; c < 3; c++) {
        float q = square(a.scale[c]);
        va[c] = 2 * (v00 * a.u[c] + v01 * a.u[3 + c]) * q;
        vb[c] = 2 * (v01 * a.u[c] + v11 * a.u[3 + c]) * q;
        g[LOG_SCALE + c] = va[c] * a.u[c] + vb[c] * a.u[3 + c];
        if (shape) {
            // Covariance of pixel and depth = (u s) (z s)^T, with the depths z of the splat's axes.
            g[LOG_SCALE + c] += 2 * back.axes[c] * back.v_axes[c];
            va[c] += back.v_right * back.axes[c] * q;
            vb[c] += back.v_down * back.axes[c] * q;
        }
    }
    float m[9];
    for (int row = 0; row < 3; row++)
        for (int c = 0; c < 3; c++) m[3 * row + c] = a.j[row] * va[c] + a.j[3 + row] * vb[c] + r[6 + row] * back.v_axes[c];
    rotation_back(p + QUATERNION, m, g + QUATERNION);
    // The gradient of J is that of u, turned by the splat's and the camera's rotation.
    float c[3], d[3];
    for (int row = 0; row < 3; row++) {
        c[row] = va[0] * a.r[3 * row] + va[1] * a.r[3 * row + 1] + va[2] * a.r[3 * row + 2];
        d[row] = vb[0] * a.r[3 * row] + vb[1] * a.r[3 * row + 1] + vb[2] * a.r[3 * row + 2];
    }
    float vj00 = c[0] * r[0] + c[1] * r[1] + c[2] * r[2], vj01 = c[0] * r[3] + c[1] * r[4] + c[2] * r[5];
    float vj02 = c[0] * r[6] + c[1] * r[7] + c[2] * r[8], vj10 = d[0] * r[0] + d[1] * r[1] + d[2] * r[2];
    float vj11 = d[0] * r[3] + d[1] * r[4] + d[2] * r[5], vj12 = d[0] * r[6] + d[1] * r[7] + d[2] * r[8];
    float ax = fx * iz, ay = fy * iz;
    float vtz = back.v_depth - iz * (ax * (vj00 - a.ux * vj02) + ay * (vj11 - a.uy * vj12));
    float vtx = vx * ax, vty = vy * ay;
    if (a.free_x) vtx += (back.v_ux - ax * vj02) * iz;
    if (a.free_y) vty += (back.v_uy - ay * vj12) * iz;
    vtz -= iz * (vtx * a.tx + vty * a.ty);
    for (int row = 0; row < 3; row++) g[MEAN + row] = r[row] * vtx + r[3 + row] * vty + r[6 + row] * vtz;
    // It acts on the position, and on the ellipse through J R_camera.
    float w20 = -ax * a.ux * vj00 - ay * a.uy * vj10, w21 = -ax * a.ux * vj01 - ay * a.uy * vj11;
    turn[0] = a.ty * vtz - a.tz * vty + w21 - ay * vj12;
    turn[1] = a.tz * vtx - a.tx * vtz + ax * vj02 - w20;
    turn[2] = a.tx * vty - a.ty * vtx + ay * vj10 - ax * vj01;
    if (!shape) return;
    float t[3];  // it turns the axes' depths, too
    for (int row = 0; row < 3; row++)
        t[row] = a.r[3 * row] * back.v_axes[0] + a.r[3 * row + 1] * back.v_axes[1] + a.r[3 * row + 2] * back.v_axes[2];
    turn[0] += r[3] * t[0] + r[4] * t[1] + r[5] * t[2];
    turn[1] -= r[0] * t[0] + r[1] * t[1] + r[2] * t[2];
}
