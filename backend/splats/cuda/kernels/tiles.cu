// Which tiles a splat touches: the tests of cpu/tiles.py.

__device__ inline int tile_from(float place, int tiles)
{
    return (int)ceilf(fminf(fmaxf((place - (TILE - 0.5f)) / TILE, 0.0f), (float)tiles));
}

__device__ inline int tile_until(float place, int tiles)
{
    return (int)floorf(fminf(fmaxf((place - 0.5f) / TILE, -1.0f), (float)(tiles - 1))) + 1;
}

// Rows and columns of tiles around the ellipse of a projected splat; returns whether there are any.
__device__ inline bool tile_box(const float* splat, int tiles_x, int tiles_y, short* box)
{
    box[LEFT] = tile_from(splat[X] - splat[EXTENT_X], tiles_x);
    box[RIGHT] = tile_until(splat[X] + splat[EXTENT_X], tiles_x);
    box[TOP] = tile_from(splat[Y] - splat[EXTENT_Y], tiles_y);
    box[BOTTOM] = tile_until(splat[Y] + splat[EXTENT_Y], tiles_y);
    return box[LEFT] < box[RIGHT] && box[TOP] < box[BOTTOM];
}

// First and last+1 tile that a projected splat touches in a row of tiles. One function that is never inlined, because two kernels ask
// for the same columns and their answers must agree to the bit: the second one writes where the first one counted.
__device__ __noinline__ int2 tile_columns(const float* splat, int row, const short* box)
{
    if (box[RIGHT] - box[LEFT] == 1 || box[BOTTOM] - box[TOP] == 1) return make_int2(box[LEFT], box[RIGHT]);
    float x = splat[X], y = splat[Y];
    float a = -splat[QUAD_A], half_b = -0.5f * splat[QUAD_B], c = -splat[QUAD_C];
    float level = splat[QUAD_L] + CUT;  // a dx^2 + 2 half_b dx dy + c dy^2 <= level
    float top = row * TILE + 0.5f - y, bottom = top + TILE - 1, determinant = a * c - half_b * half_b;
    // dy at which the ellipse reaches furthest right; its mirror image is where it reaches furthest left.
    float furthest = -half_b * sqrtf(fmaxf(level / fmaxf(c * determinant, 1e-30f), 0.0f));
    float dy = fminf(fmaxf(furthest, top), bottom);
    float right = (-half_b * dy + sqrtf(fmaxf(a * level - determinant * dy * dy, 0.0f))) / a;
    dy = fminf(fmaxf(-furthest, top), bottom);
    float left = (-half_b * dy - sqrtf(fmaxf(a * level - determinant * dy * dy, 0.0f))) / a;
    int low = (int)ceilf((x + left - (TILE - 0.5f) - 1e-3f) / TILE), high = (int)floorf((x + right - 0.5f + 1e-3f) / TILE) + 1;
    return make_int2(max(low, (int)box[LEFT]), min(high, (int)box[RIGHT]));
}

__device__ inline int tile_count(const float* splat, const short* box)
{
    int count = 0;
    for (int row = box[TOP]; row < box[BOTTOM]; row++) {
        int2 columns = tile_columns(splat, row, box);
        count += max(0, columns.y - columns.x);
    }
    return count;
}

// The tile and the splat of every entry, splat by splat in the given order; `ends` is where each splat's entries end. A splat's
// gradients will be summed over the rows from `first_rows` on.
extern "C" __global__ void __launch_bounds__(THREADS) list_tiles(
    int count, const long long* order, const long long* ends, const int* counts, const float* projected, const short* boxes, int tiles_x,
    int* first_rows, int* entry_tiles, int* members)
{
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    int n = (int)order[i];
    if (counts[n] == 0) return;
    int place = (int)ends[i] - counts[n];
    first_rows[n] = place;
    const short* box = boxes + (size_t)n * 4;
    for (int row = box[TOP]; row < box[BOTTOM]; row++) {
        int2 columns = tile_columns(projected + (size_t)n * PROJECTED, row, box);
        for (int column = columns.x; column < columns.y; column++) {
            entry_tiles[place] = row * tiles_x + column;
            members[place] = n;
            place++;
        }
    }
}
