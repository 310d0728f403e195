// Surfels to what pixels need of them and back, one thread a surfel: the equations of cpu/surfels.py.

// Everything between a surfel's parameters and its picture.
struct Disc {
    float tx, ty, tz;         // in the camera
    float u[3], v[3], n[3];   // axes and normal in the camera
    float p00, p01, p10, p11; // P, d pixel / d (u, v)
    float add_u, add_v;       // what a step along u and v adds to the depth, by depth
    float r[9];               // of the surfel
    float scale[3];           // the third is zero
    float sigma;              // opacity
};

__device__ inline Disc disc(const float* p, const Camera& camera)
{
    const float* r = camera.v;
    Disc s;
    s.tx = r[0] * p[MEAN] + r[1] * p[MEAN + 1] + r[2] * p[MEAN + 2] + r[TRANSLATION];
    s.ty = r[3] * p[MEAN] + r[4] * p[MEAN + 1] + r[5] * p[MEAN + 2] + r[TRANSLATION + 1];
    s.tz = r[6] * p[MEAN] + r[7] * p[MEAN + 1] + r[8] * p[MEAN + 2] + r[TRANSLATION + 2];
    rotation(p[QUATERNION], p[QUATERNION + 1], p[QUATERNION + 2], p[QUATERNION + 3], s.r);
    for (int row = 0; row < 3; row++) {
        s.u[row] = r[3 * row] * s.r[0] + r[3 * row + 1] * s.r[3] + r[3 * row + 2] * s.r[6];
        s.v[row] = r[3 * row] * s.r[1] + r[3 * row + 1] * s.r[4] + r[3 * row + 2] * s.r[7];
        s.n[row] = r[3 * row] * s.r[2] + r[3 * row + 1] * s.r[5] + r[3 * row + 2] * s.r[8];
    }
    s.scale[0] = power(p[LOG_SCALE]), s.scale[1] = power(p[LOG_SCALE + 1]), s.scale[2] = 0;
    s.sigma = opacity(p[OPACITY]);
    float iz = 1 / s.tz, a = r[FOCAL] * iz, b = r[FOCAL + 1] * iz, x = s.tx * iz, y = s.ty * iz;
    s.p00 = s.scale[0] * a * (s.u[0] - x * s.u[2]), s.p01 = s.scale[1] * a * (s.v[0] - x * s.v[2]);
    s.p10 = s.scale[0] * b * (s.u[1] - y * s.u[2]), s.p11 = s.scale[1] * b * (s.v[1] - y * s.v[2]);
    s.add_u = s.scale[0] * s.u[2] * iz, s.add_v = s.scale[1] * s.v[2] * iz;
    return s;
}

// 1 or -1, by which side of a surfel the camera sees.
__device__ inline float towards_camera(const Disc& s) { return s.n[0] * s.tx + s.n[1] * s.ty + s.n[2] * s.tz > 0 ? -1 : 1; }

// As `project`; the ellipse holds all that is to be seen of a surfel and only serves to find tiles, `shapes` is what pixels need.
extern "C" __global__ void __launch_bounds__(THREADS) surfel_project(PROJECT_PARAMETERS)
{
    int n = blockIdx.x * THREADS + threadIdx.x;
    if (n >= count) return;
    counts[n] = 0;
    depths[n] = LARGEST;
    const float* p = parameters + (size_t)n * width;
    Disc s = disc(p, camera);
    if (!(s.tz > NEAR)) return;
    float xx = s.p00 * s.p00 + s.p01 * s.p01, xy = s.p00 * s.p10 + s.p01 * s.p11, yy = s.p10 * s.p10 + s.p11 * s.p11;
    float determinant = s.p00 * s.p11 - s.p01 * s.p10, alpha = s.sigma;
    if (antialiased) alpha *= fminf(LOW_PASS * fabsf(determinant), 1.0f);
    alpha = fminf(alpha, MOST_ALPHA);
    if (!(alpha > LEAST_ALPHA) || !(fabsf(determinant) > FLATTEST * (xx + yy))) return;
    float level = log2f(alpha), reach = (level + CUT) * (2 / LOG2E);
    // Seen by perspective the near half of a disc is larger: a circle around the whole, in (u, v) as if depth didn't change.
    float steepness = sqrtf(reach * (s.add_u * s.add_u + s.add_v * s.add_v));
    if (!(steepness < STEEPEST)) return;
    float grown = 1 / square(1 - steepness);
    // The sum of two ellipses' covariances holds both: the disc's and that of the least footprint.
    xx = grown * xx + 1 / LOW_PASS, xy = grown * xy, yy = grown * yy + 1 / LOW_PASS;
    float k = -0.5f * LOG2E / (xx * yy - xy * xy), row[PROJECTED] = {};
    row[X] = camera.v[FOCAL] * s.tx / s.tz + camera.v[PRINCIPAL];
    row[Y] = camera.v[FOCAL + 1] * s.ty / s.tz + camera.v[PRINCIPAL + 1];
    row[QUAD_A] = k * yy, row[QUAD_B] = -2 * k * xy, row[QUAD_C] = k * xx, row[QUAD_L] = level;
    row[DEPTH] = s.tz, row[EXTENT_X] = sqrtf(reach * xx), row[EXTENT_Y] = sqrtf(reach * yy), row[ALPHA] = alpha;
    float* shape = shapes + (size_t)n * DISC;
    float inverse = 1 / determinant, towards = towards_camera(s);
    shape[INVERSE] = inverse * s.p11, shape[INVERSE + 1] = -inverse * s.p01;
    shape[INVERSE + 2] = -inverse * s.p10, shape[INVERSE + 3] = inverse * s.p00;
    shape[SHRINK] = shape[INVERSE] * s.add_u + shape[INVERSE + 2] * s.add_v;
    shape[SHRINK + 1] = shape[INVERSE + 1] * s.add_u + shape[INVERSE + 3] * s.add_v;
    for (int c = 0; c < 3; c++) shape[NORMAL + c] = towards * s.n[c];
    put(n, p, width, bases, camera, tiles_x, tiles_y, row, projected, boxes, counts, depths);
}

// As that of splats of any shape.
__device__ inline void chain(
    const float* p, const Disc& s, const float* sums, const float* seen, const float* shape, const Camera& camera, bool antialiased,
    float* g, float* turn)
{
    const float* r = camera.v;
    float i00 = shape[INVERSE], i01 = shape[INVERSE + 1], i10 = shape[INVERSE + 2], i11 = shape[INVERSE + 3];
    // By the inverse of P: the exponent's part is -P^-1 M with M the moments; the shrinking's is s = P^-T (a, b).
    float hx = sums[V_SHRINK], hy = sums[V_SHRINK + 1];
    float w00 = s.add_u * hx - i00 * sums[G_XX] - i01 * sums[G_XY], w01 = s.add_u * hy - i00 * sums[G_XY] - i01 * sums[G_YY];
    float w10 = s.add_v * hx - i10 * sums[G_XX] - i11 * sums[G_XY], w11 = s.add_v * hy - i10 * sums[G_XY] - i11 * sums[G_YY];
    float v_add_u = i00 * hx + i01 * hy, v_add_v = i10 * hx + i11 * hy;
    // By P itself: -P^-T W P^-T
    float k00 = i00 * w00 + i10 * w10, k01 = i00 * w01 + i10 * w11, k10 = i01 * w00 + i11 * w10, k11 = i01 * w01 + i11 * w11;
    float v00 = -(k00 * i00 + k01 * i01), v01 = -(k00 * i10 + k01 * i11);
    float v10 = -(k10 * i00 + k11 * i01), v11 = -(k10 * i10 + k11 * i11);
    bool shown = seen[ALPHA] < MOST_ALPHA;
    if (antialiased && shown && LOW_PASS * fabsf(s.p00 * s.p11 - s.p01 * s.p10) < 1)
        v00 += sums[G] * i00, v01 += sums[G] * i10, v10 += sums[G] * i01, v11 += sums[G] * i11;
    g[OPACITY] = shown ? sums[G] * (1 - s.sigma) : 0;
    g[LOG_SCALE] = v00 * s.p00 + v10 * s.p10 + v_add_u * s.add_u;
    g[LOG_SCALE + 1] = v01 * s.p01 + v11 * s.p11 + v_add_v * s.add_v;
    g[LOG_SCALE + 2] = 0;
    float iz = 1 / s.tz, a = r[FOCAL] * iz, b = r[FOCAL + 1] * iz, x = s.tx * iz, y = s.ty * iz, towards = towards_camera(s);
    // By the axes in the camera
    float vu[3] = {s.scale[0] * a * v00, s.scale[0] * b * v10, 0}, vv[3] = {s.scale[1] * a * v01, s.scale[1] * b * v11, 0}, vn[3];
    vu[2] = s.scale[0] * iz * v_add_u - x * vu[0] - y * vu[1];
    vv[2] = s.scale[1] * iz * v_add_v - x * vv[0] - y * vv[1];
    for (int c = 0; c < 3; c++) vn[c] = towards * sums[V_NORMAL + c];
    // By the position: of the center, of P, of the depth, and of what a step adds to it
    float vtx = a * sums[V_CENTER] - iz * (vu[0] * s.u[2] + vv[0] * s.v[2]);
    float vty = b * sums[V_CENTER + 1] - iz * (vu[1] * s.u[2] + vv[1] * s.v[2]);
    float shrinking = v00 * s.p00 + v01 * s.p01 + v10 * s.p10 + v11 * s.p11 + v_add_u * s.add_u + v_add_v * s.add_v;
    float vtz = sums[V_DEPTH] - x * vtx - y * vty - iz * shrinking;
    float m[9];
    for (int row = 0; row < 3; row++) {
        m[3 * row] = r[row] * vu[0] + r[3 + row] * vu[1] + r[6 + row] * vu[2];
        m[3 * row + 1] = r[row] * vv[0] + r[3 + row] * vv[1] + r[6 + row] * vv[2];
        m[3 * row + 2] = r[row] * vn[0] + r[3 + row] * vn[1] + r[6 + row] * vn[2];
    }
    rotation_back(p + QUATERNION, m, g + QUATERNION);
    for (int row = 0; row < 3; row++) g[MEAN + row] = r[row] * vtx + r[3 + row] * vty + r[6 + row] * vtz;
    turn[0] = s.ty * vtz - s.tz * vty, turn[1] = s.tz * vtx - s.tx * vtz, turn[2] = s.tx * vty - s.ty * vtx;
    for (int c = 0; c < 3; c++) {
        int d = (c + 1) % 3, e = (c + 2) % 3;
        turn[c] += s.u[d] * vu[e] - s.u[e] * vu[d] + s.v[d] * vv[e] - s.v[e] * vv[d] + s.n[d] * vn[e] - s.n[e] * vn[d];
    }
}
