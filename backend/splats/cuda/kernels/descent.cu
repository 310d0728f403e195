// Gradients of the parameters, and what training adds to them before it takes a step: regularizers, Adam, noise.

// `Body` is what stands between the parameters of a splat of either kind and its picture: `Affine` or `Disc`.
template <class Body> __device__ inline void regularize(const float* p, const Body& body, const Control& control, float* g)
{
    const float* v = control.v;
    g[OPACITY] += v[OPACITY_WEIGHT] * body.sigma * (1 - body.sigma);
    for (int c = 0; c < 3; c++) g[LOG_SCALE + c] += v[SCALE_WEIGHT] * body.scale[c];
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
template <class Body> __device__ inline void shake(const Body& body, int n, unsigned long long step, float noise, float* offset)
{
    for (int c = 0; c < 3; c++) offset[c] = 0;
    float share = 1 / (1 + power(-100 * (0.005f - body.sigma)));
    if (share <= 1e-3f) return;
    unsigned long long state = mixed((unsigned long long)n * 0x9E3779B97F4A7C15ull + step);
    float v[3];
    for (int c = 0; c < 3; c++) v[c] = square(body.scale[c]) * normal(state, c + 1);
    const float* r = body.r;
    for (int c = 0; c < 3; c++) offset[c] = noise * share * (r[3 * c] * v[0] + r[3 * c + 1] * v[1] + r[3 * c + 2] * v[2]);
}

// Gradients of the parameters from the tiles' gradient rows of `columns` floats, for the splats that were seen; `shapes` as in blending,
// missing where that did without. With an array `gradients` of the parameters' shape they are written there. Without one they feed Adam at
// once, for which the threads of a block share all columns of its splats.
// If `block_motions` is given, each block's sum of the gradient by a motion of the world in the camera's axes, rotation then translation,
// goes there.
#define PULL_PARAMETERS \
    int count, float *parameters, float *moments, int width, int bases, Camera camera, int antialiased, const float *projected, \
    const float *shapes, const int *counts, const int *first_rows, int columns, const float *entry_gradients, Rates learning, \
    Control control, int seed_high, int seed_low, float *gradients, float *stats, float *block_motions
#define PULL_ARGUMENTS \
    count, parameters, moments, width, bases, camera, antialiased, projected, shapes, counts, first_rows, columns, entry_gradients, \
    learning, control, seed_high, seed_low, gradients, stats, block_motions

template <class Body, Body body_of(const float*, const Camera&)> __device__ inline void descend(PULL_PARAMETERS)
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
        float sums[GRADIENT] = {};
        const float4* in = (const float4*)entry_gradients + (size_t)first_rows[n] * (columns / 4);
        for (int i = 0; i < counts[n]; i++)
            for (int j = 0; j < GRADIENT / 4; j++) {
                if (4 * j >= columns) continue;
                float4 four = in[i * (columns / 4) + j];
                sums[4 * j] += four.x, sums[4 * j + 1] += four.y, sums[4 * j + 2] += four.z, sums[4 * j + 3] += four.w;
            }
        if (gradients || sums[G] != 0 || sums[V_RED] != 0 || sums[V_GREEN] != 0 || sums[V_BLUE] != 0) {
            float* p = rows[thread];
            const float* seen = projected + (size_t)n * PROJECTED;
            float g[SH] = {};
            Body body = body_of(p, camera);
            chain(p, body, sums, seen, shapes ? shapes + (size_t)n * DISC : nullptr, camera, antialiased, g, motions[thread]);
            color_back(p, width, bases, camera, sums, seen, g);
            for (int row = 0; row < 3; row++)
                for (int c = 0; c < 3; c++) motions[thread][3 + row] += camera.v[3 * row + c] * g[MEAN + c];
            float* s = stats + (size_t)n * STATS;
            s[STAT_SIGNAL] += sums[SIGNAL];
            s[STAT_SEEN] += 1;
            if (!gradients) {
                regularize(p, body, control, g);
                unsigned long long step = (unsigned long long)(unsigned)seed_high << 32 | (unsigned)seed_low;
                shake(body, n, step, control.v[NOISE] * learning.v[MEAN], offsets[thread]);
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

extern "C" __global__ void __launch_bounds__(PULL) pull_back(PULL_PARAMETERS) { descend<Affine, affine>(PULL_ARGUMENTS); }
extern "C" __global__ void __launch_bounds__(PULL) surfel_pull_back(PULL_PARAMETERS) { descend<Disc, disc>(PULL_ARGUMENTS); }
