// L1 and SSIM with their gradient on planar pictures [3,H,W], outside of which everything is zero: the equations of cpu/loss.py. A block
// takes 16x16 pixels; the window of 11 taps is applied across, then down, in shared memory.

constexpr int REACH = 5;
constexpr int WIDE = TILE + 2 * REACH;

// The sum of one number of each thread of a block of PIXELS threads, for thread 0. To be called by all of them.
__device__ inline float block_sum(float value)
{
    __shared__ float parts[PIXELS];
    __syncthreads();
    parts[threadIdx.x] = value;
    for (int half = PIXELS / 2; half > 0; half /= 2) {
        __syncthreads();
        if ((int)threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    }
    return parts[0];
}

// A photo [H,W,3] in bytes, over `background` where `alpha` [H,W] is given, zero where `weight` [H,W] is below 128.
extern "C" __global__ void __launch_bounds__(THREADS) fill_target(
    int pixels, const unsigned char* rgb, const unsigned char* alpha, const unsigned char* weight, Color background, float* target)
{
    int at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= pixels) return;
    float opacity = alpha ? alpha[at] / 255.0f : 1;
    for (int c = 0; c < 3; c++) {
        float value = rgb[(size_t)at * 3 + c] / 255.0f * opacity + background.v[c] * (1 - opacity);
        target[(size_t)c * pixels + at] = is_known(weight, at) ? value : 0;
    }
}

// SSIM summed over blocks, and its three derivative maps (by mean, mean square, mean product) of each channel [3,3,H,W]. The grid's z is
// the channel.
extern "C" __global__ void __launch_bounds__(PIXELS) similarity(
    int width, int height, const float* image, const float* target, const unsigned char* weight, float* maps, float* block_ssim)
{
    __shared__ float a[WIDE][WIDE], b[WIDE][WIDE], across[5][WIDE][TILE];
    int column = blockIdx.x * TILE + threadIdx.x % TILE, row = blockIdx.y * TILE + threadIdx.x / TILE, channel = blockIdx.z;
    size_t plane = (size_t)width * height;
    for (int k = threadIdx.x; k < WIDE * WIDE; k += PIXELS) {
        int x = blockIdx.x * TILE + k % WIDE - REACH, y = blockIdx.y * TILE + k / WIDE - REACH;
        bool inside = x >= 0 && x < width && y >= 0 && y < height;
        size_t at = inside ? (size_t)y * width + x : 0;
        a[k / WIDE][k % WIDE] = inside && is_known(weight, at) ? image[channel * plane + at] : 0;
        b[k / WIDE][k % WIDE] = inside ? target[channel * plane + at] : 0;
    }
    __syncthreads();
    for (int k = threadIdx.x; k < WIDE * TILE; k += PIXELS) {
        int y = k / TILE, x = k % TILE;
        float mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
        for (int tap = 0; tap < 2 * REACH + 1; tap++) {
            float w = WINDOW[tap], p = a[y][x + tap], q = b[y][x + tap];
            mx += w * p, my += w * q, xx += w * p * p, yy += w * q * q, xy += w * p * q;
        }
        across[0][y][x] = mx, across[1][y][x] = my, across[2][y][x] = xx, across[3][y][x] = yy, across[4][y][x] = xy;
    }
    __syncthreads();
    float sums[5] = {};
    for (int tap = 0; tap < 2 * REACH + 1; tap++)
        for (int j = 0; j < 5; j++) sums[j] += WINDOW[tap] * across[j][threadIdx.x / TILE + tap][threadIdx.x % TILE];
    float mx = sums[0], my = sums[1], means = mx * my, squares = mx * mx + my * my;
    float a1 = 2 * means + SSIM1, a2 = 2 * (sums[4] - means) + SSIM2, b1 = squares + SSIM1, b2 = sums[2] + sums[3] - squares + SSIM2;
    float inverse = 1 / (b1 * b2), d_a1 = a2 * inverse, d_a2 = a1 * inverse, s = a1 * d_a1;
    float d_b1 = s * b2 * inverse, d_b2 = s * b1 * inverse;  // up to their sign
    bool inside = column < width && row < height;
    if (inside) {
        size_t at = channel * plane + (size_t)row * width + column;
        maps[at] = 2 * (my * (d_a1 - d_a2) - mx * (d_b1 - d_b2));
        maps[3 * plane + at] = -2 * d_b2;
        maps[6 * plane + at] = 2 * d_a2;
    }
    float sum = block_sum(inside ? s : 0);
    if (threadIdx.x == 0) block_ssim[(blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x] = sum;
}

// Gradient of l1_weight * sum |x - y| - ssim_weight * sum SSIM by the picture, the error of each pixel summed over channels [H,W], and
// sums over blocks of |x - y| and (x - y)^2.
extern "C" __global__ void __launch_bounds__(PIXELS) loss_back(
    int width, int height, const float* image, const float* target, const unsigned char* weight, const float* maps, float l1_weight,
    float ssim_weight, float* v_image, float* error, float* block_l1, float* block_square)
{
    __shared__ float around[3][WIDE][WIDE], across[3][WIDE][TILE];
    int column = blockIdx.x * TILE + threadIdx.x % TILE, row = blockIdx.y * TILE + threadIdx.x / TILE;
    bool inside = column < width && row < height;
    size_t plane = (size_t)width * height, here = inside ? (size_t)row * width + column : 0;
    float l1 = 0, squares = 0;
    for (int channel = 0; channel < 3; channel++) {
        for (int k = threadIdx.x; k < WIDE * WIDE; k += PIXELS) {
            int x = blockIdx.x * TILE + k % WIDE - REACH, y = blockIdx.y * TILE + k / WIDE - REACH;
            bool there = x >= 0 && x < width && y >= 0 && y < height;
            for (int j = 0; j < 3; j++)
                around[j][k / WIDE][k % WIDE] = there ? maps[(size_t)(3 * j + channel) * plane + (size_t)y * width + x] : 0;
        }
        __syncthreads();
        for (int k = threadIdx.x; k < WIDE * TILE; k += PIXELS)
            for (int j = 0; j < 3; j++) {
                float sum = 0;
                for (int tap = 0; tap < 2 * REACH + 1; tap++) sum += WINDOW[tap] * around[j][k / TILE][k % TILE + tap];
                across[j][k / TILE][k % TILE] = sum;
            }
        __syncthreads();
        if (!inside || !is_known(weight, here)) {
            if (inside) v_image[channel * plane + here] = 0;
            continue;
        }
        float sums[3] = {};
        for (int tap = 0; tap < 2 * REACH + 1; tap++)
            for (int j = 0; j < 3; j++) sums[j] += WINDOW[tap] * across[j][threadIdx.x / TILE + tap][threadIdx.x % TILE];
        float x = image[channel * plane + here], y = target[channel * plane + here], difference = x - y, size = fabsf(difference);
        float sign = size < LEAST ? 0 : difference > 0 ? 1 : -1;
        v_image[channel * plane + here] = sign * l1_weight - (sums[0] + x * sums[1] + y * sums[2]) * ssim_weight;
        l1 += size;
        squares += square(difference);
    }
    if (inside) error[here] = l1;
    float sum_l1 = block_sum(l1), sum_square = block_sum(squares);
    int block = blockIdx.y * gridDim.x + blockIdx.x;
    if (threadIdx.x == 0) block_l1[block] = sum_l1, block_square[block] = sum_square;
}
