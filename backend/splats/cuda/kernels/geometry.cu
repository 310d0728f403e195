// Losses on depth and normals as they are blended, distortion and normal consistency, with gradients: the equations of cpu/geometry.py. A
// thread takes a pixel; what comes by the normal of the surface goes to four neighbors, who fetch it in a second kernel.

// The depths of a pixel's neighbors, and whether there is a surface around it.
__device__ inline bool surrounded(
    const float* depths, const float* transmittance, int width, int height, int column, int row, float middle, float* around)
{
    if (row == 0 || row == height - 1 || column == 0 || column == width - 1) return false;
    size_t at = (size_t)row * width + column;
    const size_t places[4] = {at + 1, at - 1, at + width, at - width};
    bool solid = 1 - transmittance[at] > SOLID;
    for (int j = 0; j < 4; j++) {
        float alpha = 1 - transmittance[places[j]];
        solid = solid && alpha > SOLID;
        around[j] = middle + depths[places[j]] / alpha;
    }
    return solid;
}

// Gradients of both losses but that by the surface's normal; into `bends` [6,H,W] those by the differences that it is made of. `v_alpha`
// is added to, `losses` gets the sum of both losses over each block.
extern "C" __global__ void __launch_bounds__(PIXELS) compare_geometry(
    int pixels, int width, int height, const float* geometry, const float* transmittance, const unsigned char* weight, Camera camera,
    float middle, float distortion_weight, float normal_weight, float* v_geometry, float* v_alpha, float* bends, float* losses)
{
    int at = blockIdx.x * PIXELS + threadIdx.x;
    float loss = 0;
    if (at < pixels) {
        const float* r = camera.v;
        size_t plane = pixels;
        float bend[6] = {}, v[SURFACE] = {}, around[4];
        if (is_known(weight, at)) {
            int column = at % width, row = at / width;
            float alpha = 1 - transmittance[at], depths = geometry[DEPTHS * plane + at], squares = geometry[SQUARES * plane + at];
            loss += distortion_weight * (alpha * squares - depths * depths);
            v[DEPTHS] = -2 * distortion_weight * depths;
            v[SQUARES] = distortion_weight * alpha;
            v_alpha[at] += distortion_weight * squares;
            if (surrounded(geometry + DEPTHS * plane, transmittance, width, height, column, row, middle, around)) {
                float x = (column + 0.5f - r[PRINCIPAL]) / r[FOCAL], y = (row + 0.5f - r[PRINCIPAL + 1]) / r[FOCAL + 1];
                float az = around[0] - around[1], ax = x * az + (around[0] + around[1]) / r[FOCAL], ay = y * az;
                float bz = around[2] - around[3], bx = x * bz, by = y * bz + (around[2] + around[3]) / r[FOCAL + 1];
                float nx = az * by - ay * bz, ny = ax * bz - az * bx, nz = ay * bx - ax * by;  // towards the camera
                float k = rsqrtf(nx * nx + ny * ny + nz * nz + 1e-30f);
                nx *= k, ny *= k, nz *= k;
                if (-(nx * x + ny * y + nz) >= LEAST_FACING * sqrtf(x * x + y * y + 1)) {
                    const float* seen = geometry + NORMALS * plane + at;
                    float sx = seen[0], sy = seen[plane], sz = seen[2 * plane], agreement = nx * sx + ny * sy + nz * sz;
                    loss += normal_weight * (alpha - agreement);
                    v_alpha[at] += normal_weight;
                    v[NORMALS] = -normal_weight * nx, v[NORMALS + 1] = -normal_weight * ny, v[NORMALS + 2] = -normal_weight * nz;
                    k *= normal_weight;
                    float vx = k * (sx - nx * agreement), vy = k * (sy - ny * agreement), vz = k * (sz - nz * agreement);
                    bend[0] = by * vz - bz * vy, bend[1] = bz * vx - bx * vz, bend[2] = bx * vy - by * vx;
                    bend[3] = vy * az - vz * ay, bend[4] = vz * ax - vx * az, bend[5] = vx * ay - vy * ax;
                }
            }
        }
        for (int j = 0; j < SURFACE; j++) v_geometry[j * plane + at] = v[j];
        for (int j = 0; j < 6; j++) bends[j * plane + at] = bend[j];
    }
    loss = block_sum(loss);
    if (threadIdx.x == 0) losses[blockIdx.x] = loss;
}

// Adds to the gradients what comes by the surface's normal, from the differences in `bends`.
extern "C" __global__ void __launch_bounds__(THREADS) compare_geometry_back(
    int pixels, int width, int height, const float* geometry, const float* transmittance, Camera camera, const float* bends,
    float* v_geometry, float* v_alpha)
{
    int at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= pixels) return;
    const float* r = camera.v;
    float alpha = 1 - transmittance[at];
    if (!(alpha > SOLID)) return;
    int column = at % width, row = at / width;
    size_t plane = pixels;
    float v[3] = {};
    for (int c = 0; c < 3; c++) {
        const float *across = bends + c * plane + at, *down = across + 3 * plane;
        if (column > 0) v[c] += across[-1];
        if (column < width - 1) v[c] -= across[1];
        if (row > 0) v[c] += down[-width];
        if (row < height - 1) v[c] -= down[width];
    }
    float x = (column + 0.5f - r[PRINCIPAL]) / r[FOCAL], y = (row + 0.5f - r[PRINCIPAL + 1]) / r[FOCAL + 1];
    float v_depths = (x * v[0] + y * v[1] + v[2]) / alpha;
    v_geometry[DEPTHS * plane + at] += v_depths;
    v_alpha[at] -= v_depths * geometry[DEPTHS * plane + at] / alpha;
}
