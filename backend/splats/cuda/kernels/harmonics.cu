// Color by spherical harmonics and back: the equations of cpu/harmonics.py.

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

// The color of a splat as `camera` sees it, which may be below zero.
__device__ inline void color(const float* p, int width, int bases, const Camera& camera, float* out)
{
    for (int c = 0; c < 3; c++) out[c] = 0.5f + SH0 * p[BASE_COLOR + c];
    if (bases == 1) return;
    float d[3], shape[15];
    int channel = (width - SH) / 3;
    direction(p, camera, d);
    harmonics(bases, d, shape);
    for (int j = 0; j < bases - 1; j++)
        for (int c = 0; c < 3; c++) out[c] += shape[j] * p[SH + c * channel + j];
}

// The gradients g[BASE_COLOR:SH] from those of a splat's color; turns the coefficients in p[SH:] into their gradients, and adds to the
// position's.
__device__ inline void color_back(float* p, int width, int bases, const Camera& camera, const float* sums, const float* seen, float* g)
{
    float v[3];
    for (int c = 0; c < 3; c++) {
        v[c] = seen[RED + c] > 0 ? sums[V_RED + c] : 0;
        g[BASE_COLOR + c] = SH0 * v[c];
    }
    if (bases == 1) {
        for (int j = SH; j < width; j++) p[j] = 0;
        return;
    }
    float d[3], shape[15], slope[15], e[3];
    int channel = (width - SH) / 3;
    float k = direction(p, camera, d);
    harmonics(bases, d, shape);
    for (int j = 0; j < 15; j++) {
        slope[j] = 0;
        if (j >= channel) continue;
        for (int c = 0; c < 3; c++) {
            slope[j] += p[SH + c * channel + j] * v[c];
            p[SH + c * channel + j] = shape[j] * v[c];
        }
    }
    if (channel == 16)
        for (int c = 0; c < 3; c++) p[SH + c * channel + 15] = 0;
    harmonics_slope(bases, d, slope, e);
    float along = e[0] * d[0] + e[1] * d[1] + e[2] * d[2];
    for (int c = 0; c < 3; c++) g[MEAN + c] += k * (e[c] - d[c] * along);
}
