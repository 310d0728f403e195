// Splats onto pixels and back. Forward, a block takes a tile and a thread a pixel. Backward, a warp takes 32 neighbors of a tile's list
// and a thread one splat, so that its sums over the pixels stay in registers and nobody adds to anybody else's: the pixels wander
// through the warp's lanes, front to back, with what is left of their light. The forward pass leaves the light of every pixel before
// every 32nd splat for this. (Per-splat work lists: Taming 3DGS, Mallick et al. 2024, section 4; the rest of a pixel as in cpu/blending.py.)

// Where in `states` a tile's pictures before its 32nd, 64th … splat begin; there are entries / 32 + tiles of them at most.
__device__ inline size_t first_state(const long long* tile_start, int tile) { return (size_t)(tile_start[tile] / BUCKET + tile) * PIXELS; }

// Log 2 of a splat's opacity at an offset from its center.
__device__ inline float exponent(const float* splat, float dx, float dy)
{
    return splat[QUAD_A] * dx * dx + splat[QUAD_B] * dx * dy + splat[QUAD_C] * dy * dy + splat[QUAD_L];
}

// Composite tiles over `background`; `used` is how many of its tile's list each pixel took until it was opaque, `finished` the tile's most.
// If `strongest` [N] is given, each splat's largest weight in any pixel that `weight` knows is raised there.
extern "C" __global__ void __launch_bounds__(PIXELS) blend(
    int tiles_x, int width, int height, const long long* tile_start, const long long* places, const int* members, const float* projected,
    Color background, float* image, float* transmittance, int* used, int* finished, float4* states,
    const unsigned char* weight, float* strongest)
{
    __shared__ float splats[PIXELS][BLUE + 1];
    __shared__ int listed[PIXELS];
    __shared__ int most;
    int tile = blockIdx.x, thread = threadIdx.x;
    int column = tile % tiles_x * TILE + thread % TILE, row = tile / tiles_x * TILE + thread / TILE;
    bool inside = column < width && row < height, done = !inside;
    size_t at = (size_t)row * width + column, plane = (size_t)width * height;
    int start = (int)tile_start[tile], length = (int)tile_start[tile + 1] - start, taken = 0;
    float4* state = states + first_state(tile_start, tile) + thread;
    float x = column + 0.5f, y = row + 0.5f, through = 1, red = 0, green = 0, blue = 0;
    if (thread == 0) most = 0;
    for (int first = 0; first < length; first += PIXELS) {
        if (__syncthreads_count(done) == PIXELS) break;
        if (first + thread < length) {
            listed[thread] = members[places[start + first + thread]];
            const float* in = projected + (size_t)listed[thread] * PROJECTED;
            for (int j = 0; j <= BLUE; j++) splats[thread][j] = in[j];
        }
        __syncthreads();
        for (int i = first; i < min(first + PIXELS, length) && !done; i++) {
            if (i % BUCKET == 0) state[(size_t)(i / BUCKET) * PIXELS] = make_float4(through, red, green, blue);
            const float* splat = splats[i - first];
            taken = i + 1;
            float power = exponent(splat, x - splat[X], y - splat[Y]);
            if (power < -CUT) continue;
            float share = exp2f(power) * through;
            red += share * splat[RED];
            green += share * splat[GREEN];
            blue += share * splat[BLUE];
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
}

// The gradient row of every entry of the tiles' lists, from the gradients of the picture and (if given) of its alpha. `error` weighs
// pixels in the sum that densification is driven by, unless that is of absolute gradients. The blocks of a tile (gridDim.y of them) share its list.
extern "C" __global__ void __launch_bounds__(BACK_WARPS * BUCKET) blend_back(
    int tiles_x, int width, int height, const long long* tile_start, const long long* places, const int* members, const float* projected,
    const float* image, const float* transmittance, const int* used, const int* finished, const float4* states, const float* v_image,
    const float* v_alpha, const float* error, int absolute, float4* entry_gradients)
{
    __shared__ float v_red[PIXELS], v_green[PIXELS], v_blue[PIXELS], errors[PIXELS], whole[PIXELS];
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
        v_red[pixel] = r, v_green[pixel] = g, v_blue[pixel] = b, errors[pixel] = error[at], whole[pixel] = rest;
        taken[pixel] = used[at];
    }
    __syncthreads();
    for (int bucket = blockIdx.y * BACK_WARPS + warp; bucket < buckets; bucket += gridDim.y * BACK_WARPS) {
        int index = bucket * BUCKET + lane;
        long long place = index < length ? places[start + index] : -1;
        float sums[ENTRY] = {};
        if (bucket * BUCKET < finished[tile]) {
            float splat[BLUE + 1] = {};
            if (place >= 0)
                for (int j = 0; j <= BLUE; j++) splat[j] = projected[(size_t)members[place] * PROJECTED + j];
            const float4* state = states + first_state(tile_start, tile) + (size_t)bucket * PIXELS;
            float through = 0, rest = 0, fresh_through = 0, fresh_rest = 0;
            for (int step = 0; step < PIXELS + BUCKET - 1; step++) {
                if (step % BUCKET == 0 && step < PIXELS && bucket * BUCKET < taken[step + lane]) {
                    int pixel = step + lane;
                    float4 before = state[pixel];
                    fresh_through = before.x;
                    fresh_rest = whole[pixel] - (v_red[pixel] * before.y + v_green[pixel] * before.z + v_blue[pixel] * before.w);
                }
                through = __shfl_up_sync(FULL, through, 1);
                rest = __shfl_up_sync(FULL, rest, 1);
                float first_through = __shfl_sync(FULL, fresh_through, step % BUCKET);
                float first_rest = __shfl_sync(FULL, fresh_rest, step % BUCKET);
                if (lane == 0) through = first_through, rest = first_rest;
                int pixel = step - lane;
                if (pixel < 0 || pixel >= PIXELS || index >= taken[pixel]) continue;
                float dx = column0 + pixel % TILE + 0.5f - splat[X], dy = row0 + pixel / TILE + 0.5f - splat[Y];
                float power = exponent(splat, dx, dy);
                if (power < -CUT) continue;
                float alpha = exp2f(power), weight = alpha * through;
                float v_weight = v_red[pixel] * splat[RED] + v_green[pixel] * splat[GREEN] + v_blue[pixel] * splat[BLUE];
                through -= weight;
                rest -= weight * v_weight;
                float g = weight * v_weight - alpha * rest / (1 - alpha);
                sums[G] += g;
                sums[G_X] += g * dx;
                sums[G_Y] += g * dy;
                sums[G_XX] += g * dx * dx;
                sums[G_XY] += g * dx * dy;
                sums[G_YY] += g * dy * dy;
                sums[V_RED] += weight * v_red[pixel];
                sums[V_GREEN] += weight * v_green[pixel];
                sums[V_BLUE] += weight * v_blue[pixel];
                if (absolute) {
                    float v_x = 2 * splat[QUAD_A] * dx + splat[QUAD_B] * dy, v_y = splat[QUAD_B] * dx + 2 * splat[QUAD_C] * dy;
                    sums[SIGNAL] += fabsf(g) * sqrtf(v_x * v_x + v_y * v_y) * LN2;
                } else {
                    sums[SIGNAL] += weight * errors[pixel];
                }
            }
        }
        if (place >= 0)
            for (int j = 0; j < ENTRY / 4; j++)
                entry_gradients[(size_t)place * (ENTRY / 4) + j] = make_float4(sums[4 * j], sums[4 * j + 1], sums[4 * j + 2], sums[4 * j + 3]);
    }
}
