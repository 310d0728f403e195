// Splats to ellipses on the picture and back, one thread a splat: the equations of cpu/projection.py.

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

__device__ inline float power(float logarithm)
{
    return exp2f(fmaxf(fminf(logarithm * LOG2E, 60.0f), -60.0f));
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
    float odds = power(p[OPACITY]);
    a.sigma = odds / (1 + odds);
    return a;
}

// The unit vector from the camera to a splat; returns one over the distance.
__device__ inline float direction(const float* p, const Camera& camera, float* d)
{
    for (int c = 0; c < 3; c++) d[c] = p[MEAN + c] - camera.v[CENTER + c];
    float k = rsqrtf(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    for (int c = 0; c < 3; c++) d[c] *= k;
    return k;
}

// Spherical harmonics but the constant one at the unit direction d, into shape[:15]; zero beyond those in use.
__device__ inline void harmonics(int bases, const float* d, float* shape)
{
    float x = d[0], y = d[1], z = d[2];
    for (int j = 0; j < 15; j++) shape[j] = 0;
    if (bases > 1) shape[0] = -SH1 * y, shape[1] = SH1 * z, shape[2] = -SH1 * x;
    if (bases > 4) {
        shape[3] = SH2_0 * x * y, shape[4] = SH2_1 * y * z, shape[5] = SH2_2 * (2 * z * z - x * x - y * y);
        shape[6] = SH2_3 * x * z, shape[7] = SH2_4 * (x * x - y * y);
    }
    if (bases > 9) {
        shape[8] = SH3_0 * y * (3 * x * x - y * y), shape[9] = SH3_1 * x * y * z;
        shape[10] = SH3_2 * y * (4 * z * z - x * x - y * y), shape[11] = SH3_3 * z * (2 * z * z - 3 * x * x - 3 * y * y);
        shape[12] = SH3_4 * x * (4 * z * z - x * x - y * y), shape[13] = SH3_5 * z * (x * x - y * y);
        shape[14] = SH3_6 * x * (x * x - 3 * y * y);
    }
}

// Gradient by the direction of sum(v * harmonics).
__device__ inline void harmonics_slope(int bases, const float* d, const float* v, float* g)
{
    float x = d[0], y = d[1], z = d[2], xx = x * x, yy = y * y, zz = z * z;
    g[0] = g[1] = g[2] = 0;
    if (bases > 1) g[0] = -SH1 * v[2], g[1] = -SH1 * v[0], g[2] = SH1 * v[1];
    if (bases > 4) {
        g[0] += SH2_0 * y * v[3] - 2 * SH2_2 * x * v[5] + SH2_3 * z * v[6] + 2 * SH2_4 * x * v[7];
        g[1] += SH2_0 * x * v[3] + SH2_1 * z * v[4] - 2 * SH2_2 * y * v[5] - 2 * SH2_4 * y * v[7];
        g[2] += SH2_1 * y * v[4] + 4 * SH2_2 * z * v[5] + SH2_3 * x * v[6];
    }
    if (bases > 9) {
        g[0] += SH3_0 * 6 * x * y * v[8] + SH3_1 * y * z * v[9] - SH3_2 * 2 * x * y * v[10] - SH3_3 * 6 * x * z * v[11]
            + SH3_4 * (4 * zz - 3 * xx - yy) * v[12] + SH3_5 * 2 * x * z * v[13] + SH3_6 * 3 * (xx - yy) * v[14];
        g[1] += SH3_0 * 3 * (xx - yy) * v[8] + SH3_1 * x * z * v[9] + SH3_2 * (4 * zz - xx - 3 * yy) * v[10]
            - SH3_3 * 6 * y * z * v[11] - SH3_4 * 2 * x * y * v[12] - SH3_5 * 2 * y * z * v[13] - SH3_6 * 6 * x * y * v[14];
        g[2] += SH3_1 * x * y * v[9] + SH3_2 * 8 * y * z * v[10] + SH3_3 * (6 * zz - 3 * xx - 3 * yy) * v[11]
            + SH3_4 * 8 * x * z * v[12] + SH3_5 * (xx - yy) * v[13];
    }
}

// Fills the rows of `projected` and `boxes` of the splats that are visible; `counts` is the number of tiles that each touches (0: unseen),
// `depths` is the largest float where that is 0.
extern "C" __global__ void __launch_bounds__(THREADS) project(
    int count, const float* parameters, int width, int bases, Camera camera, int tiles_x, int tiles_y, int antialiased,
    float* projected, short* boxes, int* counts, float* depths)
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
    float color[3];
    for (int c = 0; c < 3; c++) color[c] = 0.5f + SH0 * p[BASE_COLOR + c];
    if (bases > 1) {
        float d[3], shape[15];
        int channel = (width - SH) / 3;
        direction(p, camera, d);
        harmonics(bases, d, shape);
        for (int j = 0; j < bases - 1; j++)
            for (int c = 0; c < 3; c++) color[c] += shape[j] * p[SH + c * channel + j];
    }
    float row[PROJECTED] = {};
    row[X] = camera.v[FOCAL] * a.tx / a.tz + camera.v[PRINCIPAL];
    row[Y] = camera.v[FOCAL + 1] * a.ty / a.tz + camera.v[PRINCIPAL + 1];
    row[QUAD_A] = k * yy, row[QUAD_B] = -2 * k * a.xy, row[QUAD_C] = k * xx, row[QUAD_L] = level;
    row[DEPTH] = a.tz, row[EXTENT_X] = sqrtf(reach * xx), row[EXTENT_Y] = sqrtf(reach * yy), row[ALPHA] = alpha;
    for (int c = 0; c < 3; c++) row[RED + c] = color[c];
    // A broken splat must not spoil the picture, and with it all others; the training loop finds and removes it.
    bool finite = true;
    for (int j = 0; j < PROJECTED; j++) finite = finite && fabsf(row[j]) < LARGEST;
    if (!finite) return;
    for (int c = 0; c < 3; c++) row[RED + c] = fmaxf(row[RED + c], 0.0f);
    float* out = projected + (size_t)n * PROJECTED;
    for (int j = 0; j < PROJECTED; j++) out[j] = row[j];
    short* box = boxes + (size_t)n * 4;
    if (!tile_box(out, tiles_x, tiles_y, box)) return;
    counts[n] = tile_count(out, box);
    if (counts[n] > 0) depths[n] = a.tz;
}

__device__ inline void regularize(const float* p, const Affine& a, const Control& control, float* g)
{
    const float* v = control.v;
    g[OPACITY] += v[OPACITY_WEIGHT] * a.sigma * (1 - a.sigma);
    for (int c = 0; c < 3; c++) g[LOG_SCALE + c] += v[SCALE_WEIGHT] * a.scale[c];
    // A needle's longest axis is pulled towards its second longest.
    int longest = 0;
    for (int c = 1; c < 3; c++)
        if (p[LOG_SCALE + c] > p[LOG_SCALE + longest]) longest = c;
    int second = (longest + 1) % 3, third = (longest + 2) % 3;
    if (p[LOG_SCALE + third] > p[LOG_SCALE + second]) second = third;
    float excess = p[LOG_SCALE + longest] - p[LOG_SCALE + second] - v[NEEDLE_LIMIT];
    if (excess > 0) {
        g[LOG_SCALE + longest] += v[NEEDLE_WEIGHT] * excess;
        g[LOG_SCALE + second] -= v[NEEDLE_WEIGHT] * excess;
    }
}

// SplitMix64 (Steele et al. 2014)
__device__ inline unsigned long long mixed(unsigned long long value)
{
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
    return value ^ (value >> 31);
}

// The sum of four 16-bit uniforms, which has variance 1/3; near enough to a normal for exploring.
__device__ inline float normal(unsigned long long state, unsigned long long salt)
{
    unsigned long long bits = mixed(state + salt * 0x9E3779B97F4A7C15ull);
    int sum = (int)(bits & 0xFFFF) + (int)(bits >> 16 & 0xFFFF) + (int)(bits >> 32 & 0xFFFF) + (int)(bits >> 48);
    return 1.7320508f * (sum * (1.0f / 65536) - 2);
}

// 3DGS-MCMC (Kheradmand et al. 2024), eq. 9: covariance times normal noise, for nearly transparent splats only.
__device__ inline void shake(const Affine& a, int n, unsigned long long step, float noise, float* offset)
{
    for (int c = 0; c < 3; c++) offset[c] = 0;
    float share = 1 / (1 + power(-100 * (0.005f - a.sigma)));
    if (share <= 1e-3f) return;
    unsigned long long state = mixed((unsigned long long)n * 0x9E3779B97F4A7C15ull + step);
    float v[3];
    for (int c = 0; c < 3; c++) v[c] = square(a.scale[c]) * normal(state, c + 1);
    for (int c = 0; c < 3; c++) offset[c] = noise * share * (a.r[3 * c] * v[0] + a.r[3 * c + 1] * v[1] + a.r[3 * c + 2] * v[2]);
}

// The chain rule from the sums of a splat's gradient rows to its parameters' gradients g[:SH], those of its color, and that by a rotation
// of the world about the camera.
__device__ inline void chain(
    const float* p, const Affine& a, const float* sums, const float* seen, const Camera& camera, bool antialiased, float* g, float* color,
    float* turn)
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
    }
    float m[9];
    for (int row = 0; row < 3; row++)
        for (int c = 0; c < 3; c++) m[3 * row + c] = a.j[row] * va[c] + a.j[3 + row] * vb[c];
    float w = p[QUATERNION], x = p[QUATERNION + 1], y = p[QUATERNION + 2], z = p[QUATERNION + 3];
    float k = rsqrtf(w * w + x * x + y * y + z * z + 1e-20f);
    w *= k, x *= k, y *= k, z *= k;
    float vw = 2 * (x * (m[7] - m[5]) + y * (m[2] - m[6]) + z * (m[3] - m[1]));
    float vi = 2 * (-2 * x * (m[4] + m[8]) + y * (m[1] + m[3]) + z * (m[2] + m[6]) + w * (m[7] - m[5]));
    float vj = 2 * (x * (m[1] + m[3]) - 2 * y * (m[0] + m[8]) + z * (m[5] + m[7]) + w * (m[2] - m[6]));
    float vk = 2 * (x * (m[2] + m[6]) + y * (m[5] + m[7]) - 2 * z * (m[0] + m[4]) + w * (m[3] - m[1]));
    float along = w * vw + x * vi + y * vj + z * vk;
    g[QUATERNION] = k * (vw - w * along), g[QUATERNION + 1] = k * (vi - x * along);
    g[QUATERNION + 2] = k * (vj - y * along), g[QUATERNION + 3] = k * (vk - z * along);
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
    float vtz = -iz * (ax * (vj00 - a.ux * vj02) + ay * (vj11 - a.uy * vj12));
    float vtx = vx * ax, vty = vy * ay;
    if (a.free_x) vtx -= ax * vj02 * iz;
    if (a.free_y) vty -= ay * vj12 * iz;
    vtz -= iz * (vtx * a.tx + vty * a.ty);
    for (int row = 0; row < 3; row++) g[MEAN + row] = r[row] * vtx + r[3 + row] * vty + r[6 + row] * vtz;
    // It acts on the position, and on the ellipse through J R_camera.
    float w20 = -ax * a.ux * vj00 - ay * a.uy * vj10, w21 = -ax * a.ux * vj01 - ay * a.uy * vj11;
    turn[0] = a.ty * vtz - a.tz * vty + w21 - ay * vj12;
    turn[1] = a.tz * vtx - a.tx * vtz + ax * vj02 - w20;
    turn[2] = a.tx * vty - a.ty * vtx + ay * vj10 - ax * vj01;
    for (int channel = 0; channel < 3; channel++) {
        color[channel] = seen[RED + channel] > 0 ? sums[V_RED + channel] : 0;
        g[BASE_COLOR + channel] = SH0 * color[channel];
    }
}

// Turns the coefficients of the view-dependent color in p[SH:] into their gradients, and adds to the position's.
__device__ inline void chain_view_color(float* p, int width, int bases, const Camera& camera, const float* color, float* v_mean)
{
    float d[3], shape[15], slope[15], e[3];
    int channel = (width - SH) / 3;
    float k = direction(p, camera, d);
    harmonics(bases, d, shape);
    for (int j = 0; j < 15; j++) {
        slope[j] = 0;
        if (j >= channel) continue;
        for (int c = 0; c < 3; c++) {
            slope[j] += p[SH + c * channel + j] * color[c];
            p[SH + c * channel + j] = shape[j] * color[c];
        }
    }
    if (channel == 16)
        for (int c = 0; c < 3; c++) p[SH + c * channel + 15] = 0;
    harmonics_slope(bases, d, slope, e);
    float along = e[0] * d[0] + e[1] * d[1] + e[2] * d[2];
    for (int c = 0; c < 3; c++) v_mean[c] += k * (e[c] - d[c] * along);
}

// Gradients of the parameters from the tiles' gradient rows, for the splats that were seen. With an array `gradients` of the parameters'
// shape they are written there. Without one they feed Adam at once, for which the threads of a block share all columns of its splats.
// If `block_motions` is given, each block's sum of the gradient by a motion of the world in the camera's axes, rotation then translation,
// goes there.
extern "C" __global__ void __launch_bounds__(PULL) pull_back(
    int count, float* parameters, float* moments, int width, int bases, Camera camera, int antialiased, const float* projected,
    const int* counts, const int* first_rows, const float* entry_gradients, Rates learning, Control control, int seed_high, int seed_low,
    float* gradients, float* stats, float* block_motions)
{
    __shared__ float rows[PULL][MOST_COLUMNS + 1];  // parameters, then their gradients; one column more than used, against bank conflicts
    __shared__ float offsets[PULL][3];
    __shared__ float motions[PULL][6];
    __shared__ int moves[PULL];
    size_t first = (size_t)blockIdx.x * PULL;
    int here = min(PULL, (int)(count - first)), thread = threadIdx.x, n = (int)first + thread;
    for (int k = thread; k < here * width; k += PULL) rows[k / width][k % width] = parameters[first * width + k];
    __syncthreads();
    moves[thread] = 0;
    for (int j = 0; j < 6; j++) motions[thread][j] = 0;
    if (thread < here && counts[n] > 0) {
        float sums[ENTRY] = {};
        const float4* in = (const float4*)entry_gradients + (size_t)first_rows[n] * (ENTRY / 4);
        for (int i = 0; i < counts[n]; i++)
            for (int j = 0; j < ENTRY / 4; j++) {
                float4 four = in[i * (ENTRY / 4) + j];
                sums[4 * j] += four.x, sums[4 * j + 1] += four.y, sums[4 * j + 2] += four.z, sums[4 * j + 3] += four.w;
            }
        if (gradients || sums[G] != 0 || sums[V_RED] != 0 || sums[V_GREEN] != 0 || sums[V_BLUE] != 0) {
            float* p = rows[thread];
            const float* seen = projected + (size_t)n * PROJECTED;
            float g[SH] = {}, color[3];
            Affine a = affine(p, camera);
            chain(p, a, sums, seen, camera, antialiased, g, color, motions[thread]);
            if (bases > 1) chain_view_color(p, width, bases, camera, color, g + MEAN);
            else for (int j = SH; j < width; j++) p[j] = 0;
            for (int row = 0; row < 3; row++)
                for (int c = 0; c < 3; c++) motions[thread][3 + row] += camera.v[3 * row + c] * g[MEAN + c];
            float* s = stats + (size_t)n * STATS;
            s[STAT_SIGNAL] += sums[SIGNAL];
            s[STAT_SEEN] += 1;
            if (!gradients) {
                regularize(p, a, control, g);
                unsigned long long step = (unsigned long long)(unsigned)seed_high << 32 | (unsigned)seed_low;
                shake(a, n, step, control.v[NOISE] * learning.v[MEAN], offsets[thread]);
            }
            for (int j = 0; j < SH; j++) p[j] = g[j];
            moves[thread] = 1;
        }
    }
    __syncthreads();
    if (block_motions && thread < 6) {
        float sum = 0;
        for (int k = 0; k < PULL; k++) sum += motions[k][thread];
        block_motions[(size_t)blockIdx.x * 6 + thread] = sum;
    }
    int updated = gradients || bases > 1 ? width : SH;
    for (int k = thread; k < here * width; k += PULL) {
        int splat = k / width, column = k % width;
        if (!moves[splat] || column >= updated) continue;
        float gradient = rows[splat][column];
        if (gradients) {
            gradients[first * width + k] = gradient;
            continue;
        }
        const float* v = control.v;
        float* moment = moments + (first + splat) * 2 * width + column;
        float m = moment[0] * v[BETA1] + gradient * (1 - v[BETA1]);
        float q = moment[width] * v[BETA2] + gradient * gradient * (1 - v[BETA2]);
        moment[0] = m;
        moment[width] = q;
        float change = learning.v[column] * v[BIAS1] * m / (sqrtf(q * v[BIAS2]) + v[EPSILON]);
        parameters[first * width + k] += (column < 3 ? offsets[splat][column] : 0) - change;
    }
}
