// Splats onto pixels and back. Forward, a block takes a tile and a thread a pixel. Backward, a warp takes 32 neighbors of a tile's list
// and a thread one splat, so that its sums over the pixels stay in registers and nobody adds to anybody else's: the pixels wander
// through the warp's lanes, front to back, with what is left of their light. The forward pass leaves the light of every pixel before
// every 32nd splat for this. (Per-splat work lists: Taming 3DGS, Mallick et al. 2024, section 4; the rest of a pixel as in
// cpu/blending.py.)
//
// Four kernels from one text each way: of ellipsoids and of surfels (cpu/surfel_blending.py), with and without depth and normals.

// What pixels need of a splat: its projected row up to the depth, then its row of `shapes`; of an ellipsoid without depth, only its color.
constexpr int SHAPED = DEPTH + 1;
template <bool surfels, bool geometric> constexpr int NEEDED = surfels || geometric ? SHAPED + NORMAL + 3 : BLUE + 1;

template <bool surfels, bool geometric> __device__ inline void fetch(const float* projected, const float* shapes, int n, float* splat)
{
    constexpr int most = NEEDED<surfels, geometric>;
    for (int j = 0; j < min(most, SHAPED); j++) splat[j] = projected[(size_t)n * PROJECTED + j];
    for (int j = SHAPED; j < most; j++) splat[j] = shapes[(size_t)n * DISC + j - SHAPED];
}

// Where in `states` a tile's pictures before its 32nd, 64th … splat begin; there are entries / 32 + tiles of them at most.
__device__ inline size_t first_state(const long long* tile_start, int tile) { return (size_t)(tile_start[tile] / BUCKET + tile) * PIXELS; }

// A splat at a pixel.
struct Touch {
    float dx, dy;         // from its projected center
    float power;          // log 2 of its opacity there
    float depth;          // of its plane there
    float plain, shrink;  // of surfels: squared distance from the center in its own plane before it is shrunk twice, and the shrinking
    bool on_disc;         // of surfels: whether that distance counts, and not the one on the picture
};

template <bool surfels, bool geometric> __device__ inline Touch touch(const float* splat, float x, float y)
{
    Touch t = {};
    float dx = t.dx = x - splat[X], dy = t.dy = y - splat[Y];
    const float* shape = splat + SHAPED;
    if constexpr (surfels) {
        t.plain = square(shape[INVERSE] * dx + shape[INVERSE + 1] * dy) + square(shape[INVERSE + 2] * dx + shape[INVERSE + 3] * dy);
        t.shrink = 1 / fmaxf(1 - shape[SHRINK] * dx - shape[SHRINK + 1] * dy, LEAST_SHRINK);
        float there = t.plain * t.shrink * t.shrink, on_picture = LOW_PASS * (dx * dx + dy * dy);
        t.on_disc = there <= on_picture;
        t.power = fminf(there, on_picture) * TO_POWER + splat[QUAD_L];
        t.depth = splat[DEPTH] * (t.on_disc ? t.shrink : 1);
    } else {
        t.power = splat[QUAD_A] * dx * dx + splat[QUAD_B] * dx * dy + splat[QUAD_C] * dy * dy + splat[QUAD_L];
        if constexpr (geometric) t.depth = fmaxf(splat[DEPTH] + shape[SLOPE] * dx + shape[SLOPE + 1] * dy, NEAR);
    }
    return t;
}

// Composite tiles over `background`; `used` is how many of its tile's list each pixel took until it was opaque, `finished` the tile's most.
// If `strongest` [N] is given, each splat's largest weight in any pixel that `weight` knows is raised there. Depth and normals go into
// the planes of `geometry`, see cpu/intermediates.py, blended depths less `middle`.
#define BLEND_PARAMETERS \
    int tiles_x, int width, int height, const long long *tile_start, const long long *places, const int *members, const float *projected, \
    const float *shapes, float middle, Color background, float *image, float *transmittance, int *used, int *finished, float4 *states, \
    float *geometry, float *geometry_states, const unsigned char *weight, float *strongest
#define BLEND_ARGUMENTS \
    tiles_x, width, height, tile_start, places, members, projected, shapes, middle, background, image, transmittance, used, finished, \
    states, geometry, geometry_states, weight, strongest

template <bool surfels, bool geometric> __device__ inline void composite(BLEND_PARAMETERS)
{
    __shared__ float splats[PIXELS][NEEDED<surfels, geometric>];
    __shared__ int listed[PIXELS];
    __shared__ int most;
    int tile = blockIdx.x, thread = threadIdx.x;
    int column = tile % tiles_x * TILE + thread % TILE, row = tile / tiles_x * TILE + thread / TILE;
    bool inside = column < width && row < height, done = !inside;
    size_t at = (size_t)row * width + column, plane = (size_t)width * height;
    int start = (int)tile_start[tile], length = (int)tile_start[tile + 1] - start, taken = 0;
    size_t begin = first_state(tile_start, tile);
    float x = column + 0.5f, y = row + 0.5f, through = 1, red = 0, green = 0, blue = 0, sums[SURFACE] = {}, surface = 0;
    if (thread == 0) most = 0;
    for (int first = 0; first < length; first += PIXELS) {
        if (__syncthreads_count(done) == PIXELS) break;
        if (first + thread < length) {
            listed[thread] = members[places[start + first + thread]];
            fetch<surfels, geometric>(projected, shapes, listed[thread], splats[thread]);
        }
        __syncthreads();
        for (int i = first; i < min(first + PIXELS, length) && !done; i++) {
            if (i % BUCKET == 0) {
                size_t state = begin + (size_t)(i / BUCKET) * PIXELS;
                states[state + thread] = make_float4(through, red, green, blue);
                if constexpr (geometric)
                    for (int j = 0; j < SURFACE; j++) geometry_states[state * SURFACE + j * PIXELS + thread] = sums[j];
            }
            const float* splat = splats[i - first];
            taken = i + 1;
            Touch t = touch<surfels, geometric>(splat, x, y);
            if (t.power < -CUT) continue;
            float share = exp2f(t.power) * through;
            red += share * splat[RED];
            green += share * splat[GREEN];
            blue += share * splat[BLUE];
            if constexpr (geometric) {
                float away = t.depth - middle;
                sums[DEPTHS] += share * away;
                sums[SQUARES] += share * away * away;
                for (int c = 0; c < 3; c++) sums[NORMALS + c] += share * splat[SHAPED + NORMAL + c];
                if (through >= SURFACE_LIGHT && through - share < SURFACE_LIGHT) {
                    const float* shape = splat + SHAPED;
                    surface = surfels ? t.depth : fmaxf(shape[FRONT] + shape[SLOPE] * t.dx + shape[SLOPE + 1] * t.dy, NEAR);
                }
            }
            through -= share;
            done = through < OPAQUE;
            // Floats that aren't negative are in the order of their bits.
            if (strongest && is_known(weight, at)) atomicMax((int*)strongest + listed[i - first], __float_as_int(share));
        }
    }
    __syncthreads();
    atomicMax(&most, taken);
    __syncthreads();
    if (thread == 0) finished[tile] = most;
    if (!inside) return;
    transmittance[at] = through;
    used[at] = taken;
    image[at] = red + through * background.v[0];
    image[plane + at] = green + through * background.v[1];
    image[2 * plane + at] = blue + through * background.v[2];
    if constexpr (geometric) {
        for (int j = 0; j < SURFACE; j++) geometry[j * plane + at] = sums[j];
        geometry[SURFACE * plane + at] = surface;
    }
}

extern "C" __global__ void __launch_bounds__(PIXELS) blend(BLEND_PARAMETERS) { composite<false, false>(BLEND_ARGUMENTS); }
extern "C" __global__ void __launch_bounds__(PIXELS) blend_geometry(BLEND_PARAMETERS) { composite<false, true>(BLEND_ARGUMENTS); }
extern "C" __global__ void __launch_bounds__(PIXELS) surfel_blend(BLEND_PARAMETERS) { composite<true, false>(BLEND_ARGUMENTS); }
extern "C" __global__ void __launch_bounds__(PIXELS) surfel_blend_geometry(BLEND_PARAMETERS) { composite<true, true>(BLEND_ARGUMENTS); }

// What an ellipsoid's sums gain at a pixel by the gradient g of its power; returns the length of that by the projected center.
template <bool geometric> __device__ inline float add_ellipse(const float* splat, const Touch& t, float g, float v_depth, float* sums)
{
    float dx = t.dx, dy = t.dy;
    sums[G_X] += g * dx;
    sums[G_Y] += g * dy;
    sums[G_XX] += g * dx * dx;
    sums[G_XY] += g * dx * dy;
    sums[G_YY] += g * dy * dy;
    if constexpr (geometric) {
        if (t.depth <= NEAR) v_depth = 0;
        sums[V_SLOPE] += v_depth * dx;
        sums[V_SLOPE + 1] += v_depth * dy;
        sums[V_DEPTH] += v_depth;
    }
    float v_x = 2 * splat[QUAD_A] * dx + splat[QUAD_B] * dy, v_y = splat[QUAD_B] * dx + 2 * splat[QUAD_C] * dy;
    return fabsf(g) * sqrtf(v_x * v_x + v_y * v_y) * LN2;
}

// The same of a surfel.
template <bool geometric> __device__ inline float add_disc(const float* splat, const Touch& t, float g, float v_depth, float* sums)
{
    const float* shape = splat + SHAPED;
    float dx = t.dx, dy = t.dy;
    float g_disc = t.on_disc ? g * t.shrink * t.shrink : 0, g_round = t.on_disc ? 0 : g * LOW_PASS;
    float v_shrink = -g_disc * t.plain * t.shrink;  // by `shrink`, and by what it is the inverse of
    if constexpr (geometric) {
        sums[V_DEPTH] += t.on_disc ? v_depth * t.shrink : v_depth;
        if (t.on_disc) v_shrink += v_depth * t.shrink * t.shrink * splat[DEPTH];
    }
    sums[V_SHRINK] += v_shrink * dx;
    sums[V_SHRINK + 1] += v_shrink * dy;
    sums[G_XX] += g_disc * dx * dx;
    sums[G_XY] += g_disc * dx * dy;
    sums[G_YY] += g_disc * dy * dy;
    float u = shape[INVERSE] * dx + shape[INVERSE + 1] * dy, v = shape[INVERSE + 2] * dx + shape[INVERSE + 3] * dy;
    float v_x = g_disc * (shape[INVERSE] * u + shape[INVERSE + 2] * v) + g_round * dx - v_shrink * shape[SHRINK];
    float v_y = g_disc * (shape[INVERSE + 1] * u + shape[INVERSE + 3] * v) + g_round * dy - v_shrink * shape[SHRINK + 1];
    sums[V_CENTER] += v_x;
    sums[V_CENTER + 1] += v_y;
    return sqrtf(v_x * v_x + v_y * v_y);
}

// The gradient row of every entry of the tiles' lists, from the gradients of the picture, of its alpha (if given) and of the planes of
// `geometry`. `error` weighs pixels in the sum that densification is driven by, unless that is of absolute gradients. The blocks of a tile
// (gridDim.y of them) share its list.
#define BACK_PARAMETERS \
    int tiles_x, int width, int height, const long long *tile_start, const long long *places, const int *members, const float *projected, \
    const float *shapes, float middle, const float *image, const float *transmittance, const int *used, const int *finished, \
    const float4 *states, const float *geometry, const float *geometry_states, const float *v_image, const float *v_alpha, \
    const float *v_geometry, const float *error, int absolute, float4 *entry_gradients
#define BACK_ARGUMENTS \
    tiles_x, width, height, tile_start, places, members, projected, shapes, middle, image, transmittance, used, finished, states, \
    geometry, geometry_states, v_image, v_alpha, v_geometry, error, absolute, entry_gradients

template <bool surfels, bool geometric> __device__ inline void composite_back(BACK_PARAMETERS)
{
    constexpr int columns = geometric ? GRADIENT : ENTRY, planes = geometric ? SURFACE : 1;
    __shared__ float v_red[PIXELS], v_green[PIXELS], v_blue[PIXELS], errors[PIXELS], whole[PIXELS], v_planes[planes][PIXELS];
    __shared__ int taken[PIXELS];
    int tile = blockIdx.x, warp = threadIdx.x / BUCKET, lane = threadIdx.x % BUCKET;
    int start = (int)tile_start[tile], length = (int)tile_start[tile + 1] - start, buckets = (length + BUCKET - 1) / BUCKET;
    if ((int)blockIdx.y * BACK_WARPS >= buckets) return;
    int column0 = tile % tiles_x * TILE, row0 = tile / tiles_x * TILE;
    size_t plane = (size_t)width * height;
    for (int pixel = threadIdx.x; pixel < PIXELS; pixel += BACK_WARPS * BUCKET) {
        int column = column0 + pixel % TILE, row = row0 + pixel / TILE;
        taken[pixel] = 0;
        if (column >= width || row >= height) continue;
        size_t at = (size_t)row * width + column;
        float r = v_image[at], g = v_image[plane + at], b = v_image[2 * plane + at];
        float rest = r * image[at] + g * image[plane + at] + b * image[2 * plane + at];
        if (v_alpha) rest -= v_alpha[at] * transmittance[at];
        if constexpr (geometric)
            for (int j = 0; j < SURFACE; j++) {
                float v = v_planes[j][pixel] = v_geometry[j * plane + at];
                rest += v * geometry[j * plane + at];
            }
        v_red[pixel] = r, v_green[pixel] = g, v_blue[pixel] = b, errors[pixel] = error[at], whole[pixel] = rest;
        taken[pixel] = used[at];
    }
    __syncthreads();
    for (int bucket = blockIdx.y * BACK_WARPS + warp; bucket < buckets; bucket += gridDim.y * BACK_WARPS) {
        int index = bucket * BUCKET + lane;
        long long place = index < length ? places[start + index] : -1;
        float sums[columns] = {};
        if (bucket * BUCKET < finished[tile]) {
            float splat[NEEDED<surfels, geometric>] = {};
            if (place >= 0) fetch<surfels, geometric>(projected, shapes, members[place], splat);
            size_t state = first_state(tile_start, tile) + (size_t)bucket * PIXELS;
            float through = 0, rest = 0, fresh_through = 0, fresh_rest = 0;
            for (int step = 0; step < PIXELS + BUCKET - 1; step++) {
                if (step % BUCKET == 0 && step < PIXELS && bucket * BUCKET < taken[step + lane]) {
                    int pixel = step + lane;
                    float4 before = states[state + pixel];
                    fresh_through = before.x;
                    fresh_rest = whole[pixel] - (v_red[pixel] * before.y + v_green[pixel] * before.z + v_blue[pixel] * before.w);
                    if constexpr (geometric)
                        for (int j = 0; j < SURFACE; j++)
                            fresh_rest -= v_planes[j][pixel] * geometry_states[state * SURFACE + j * PIXELS + pixel];
                }
                through = __shfl_up_sync(FULL, through, 1);
                rest = __shfl_up_sync(FULL, rest, 1);
                float first_through = __shfl_sync(FULL, fresh_through, step % BUCKET);
                float first_rest = __shfl_sync(FULL, fresh_rest, step % BUCKET);
                if (lane == 0) through = first_through, rest = first_rest;
                int pixel = step - lane;
                if (pixel < 0 || pixel >= PIXELS || index >= taken[pixel]) continue;
                Touch t = touch<surfels, geometric>(splat, column0 + pixel % TILE + 0.5f, row0 + pixel / TILE + 0.5f);
                if (t.power < -CUT) continue;
                float alpha = exp2f(t.power), weight = alpha * through, v_depth = 0;
                float v_weight = v_red[pixel] * splat[RED] + v_green[pixel] * splat[GREEN] + v_blue[pixel] * splat[BLUE];
                if constexpr (geometric) {
                    float away = t.depth - middle, v_depths = v_planes[DEPTHS][pixel], v_squares = v_planes[SQUARES][pixel];
                    v_weight += (v_depths + v_squares * away) * away;
                    v_depth = weight * (v_depths + 2 * v_squares * away);
                    for (int c = 0; c < 3; c++) {
                        v_weight += v_planes[NORMALS + c][pixel] * splat[SHAPED + NORMAL + c];
                        sums[V_NORMAL + c] += weight * v_planes[NORMALS + c][pixel];
                    }
                }
                through -= weight;
                rest -= weight * v_weight;
                float g = weight * v_weight - alpha * rest / (1 - alpha);
                sums[G] += g;
                sums[V_RED] += weight * v_red[pixel];
                sums[V_GREEN] += weight * v_green[pixel];
                sums[V_BLUE] += weight * v_blue[pixel];
                float pull;
                if constexpr (surfels) pull = add_disc<geometric>(splat, t, g, v_depth, sums);
                else pull = add_ellipse<geometric>(splat, t, g, v_depth, sums);
                if (absolute) sums[SIGNAL] += pull;
                else sums[SIGNAL] += weight * errors[pixel];
            }
        }
        if (place >= 0)
            for (int j = 0; j < columns / 4; j++)
                entry_gradients[place * (columns / 4) + j] = make_float4(sums[4 * j], sums[4 * j + 1], sums[4 * j + 2], sums[4 * j + 3]);
    }
}

#define BACK_KERNEL extern "C" __global__ void __launch_bounds__(BACK_WARPS * BUCKET)
BACK_KERNEL blend_back(BACK_PARAMETERS) { composite_back<false, false>(BACK_ARGUMENTS); }
BACK_KERNEL blend_back_geometry(BACK_PARAMETERS) { composite_back<false, true>(BACK_ARGUMENTS); }
BACK_KERNEL surfel_blend_back(BACK_PARAMETERS) { composite_back<true, false>(BACK_ARGUMENTS); }
BACK_KERNEL surfel_blend_back_geometry(BACK_PARAMETERS) { composite_back<true, true>(BACK_ARGUMENTS); }
