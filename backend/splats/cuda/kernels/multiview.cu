// Losses between neighboring views, with gradients to depth and normals as they are blended: the equations of cpu/multiview.py. A thread
// takes a place of the grid of pixels that are compared.

constexpr float LEAST_FAR = 1e-6f;  // from the neighbor, that a place must be

struct Motion { float v[12]; };  // rotation by rows and translation, from the axes of a camera to those of its neighbor

// Luma in 0..1 of a photo [H,W,3] in bytes; UNKNOWN where `alpha` or `weight` (each [H,W] or missing) is below 128.
extern "C" __global__ void __launch_bounds__(THREADS) to_gray(
    int pixels, const unsigned char* rgb, const unsigned char* alpha, const unsigned char* weight, float* gray)
{
    int at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= pixels) return;
    const unsigned char* color = rgb + (size_t)at * 3;
    float luma = (0.299f * color[0] + 0.587f * color[1] + 0.114f * color[2]) / 255;
    gray[at] = is_known(alpha, at) && is_known(weight, at) ? luma : UNKNOWN;
}

// A plane at a place in pixels: the value is UNKNOWN outside, or where one of the four pixels around is below `least`.
struct Sample { float value, slope_x, slope_y; };

__device__ inline Sample sample(const float* plane, int width, int height, float x, float y, float least)
{
    Sample s = {UNKNOWN, 0, 0};
    x -= 0.5f, y -= 0.5f;
    if (!(x >= 0 && y >= 0 && x < width - 1 && y < height - 1)) return s;
    int column = (int)x, row = (int)y;
    x -= column, y -= row;
    const float *upper = plane + (size_t)row * width + column, *lower = upper + width;
    float a = upper[0], b = upper[1], c = lower[0], d = lower[1];
    if (fminf(fminf(a, b), fminf(c, d)) < least) return s;
    float top = a + x * (b - a), bottom = c + x * (d - c);
    s.value = top + y * (bottom - top), s.slope_x = b - a + y * (d - c - (b - a)), s.slope_y = bottom - top;
    return s;
}

// What a place gives: the weighted loss, and its gradients by depth and by the blended normal.
struct Agreement { float loss, v_depth, v_normal[3]; };

// A pixel at (column, row) with the ray (x, y, 1) shows a plane with blended normal `m` at `depth`.
__device__ inline Agreement agreement(
    int width, int height, int column, int row, float x, float y, float depth, const float* m, const Camera& camera, const float* gray,
    const Motion& relative, const Camera& other, int other_width, int other_height, const float* other_gray, const float* other_depth,
    float photo_weight, float depth_weight)
{
    Agreement found = {};
    const float *r = relative.v, *t = r + 9;
    float fx = camera.v[FOCAL], fy = camera.v[FOCAL + 1];
    float gx = other.v[FOCAL], gy = other.v[FOCAL + 1], ox = other.v[PRINCIPAL], oy = other.v[PRINCIPAL + 1];
    // Both cameras must see the plane from its front; w is the way from the neighbor's center.
    float facing = m[0] * x + m[1] * y + m[2], limit = -LEAST_FACING * sqrtf(m[0] * m[0] + m[1] * m[1] + m[2] * m[2]);
    float wx = depth * x + r[0] * t[0] + r[3] * t[1] + r[6] * t[2], wy = depth * y + r[1] * t[0] + r[4] * t[1] + r[7] * t[2];
    float wz = depth + r[2] * t[0] + r[5] * t[1] + r[8] * t[2];
    if (!(facing < limit * sqrtf(x * x + y * y + 1) && depth > 0)) return found;
    if (!(m[0] * wx + m[1] * wy + m[2] * wz < limit * sqrtf(wx * wx + wy * wy + wz * wz))) return found;

    // Where the neighbor sees the point, and what there is at its depth.
    float bx = r[0] * x + r[1] * y + r[2], by = r[3] * x + r[4] * y + r[5], bz = r[6] * x + r[7] * y + r[8];
    float pz = bz * depth + t[2];
    if (!(pz > LEAST_FAR)) return found;
    float u = (bx * depth + t[0]) / pz, v = (by * depth + t[1]) / pz;
    Sample seen = sample(other_depth, other_width, other_height, gx * u + ox, gy * v + oy, LEAST_FAR);
    // Where depth jumps there is no surface.
    if (!(seen.value > 0 && fmaxf(fabsf(seen.slope_x) * gx, fabsf(seen.slope_y) * gy) * LEAST_FACING < seen.value)) return found;
    float kx = (bx - u * bz) / pz, ky = (by - v * bz) / pz;  // how (u, v) moves with depth
    float slope = seen.slope_x * gx * kx + seen.slope_y * gy * ky;
    float qx = seen.value * u - t[0], qy = seen.value * v - t[1], qz = seen.value - t[2];
    float sx = slope * u + seen.value * kx, sy = slope * v + seen.value * ky;
    float back_z = r[2] * qx + r[5] * qy + r[8] * qz;
    if (!(back_z > LEAST_FAR)) return found;
    float back_x = (r[0] * qx + r[3] * qy + r[6] * qz) / back_z, back_y = (r[1] * qx + r[4] * qy + r[7] * qz) / back_z;
    float dx = r[0] * sx + r[3] * sy + r[6] * slope, dy = r[1] * sx + r[4] * sy + r[7] * slope, dz = r[2] * sx + r[5] * sy + r[8] * slope;
    float away_x = fx * (back_x - x), away_y = fy * (back_y - y), away = sqrtf(away_x * away_x + away_y * away_y);
    if (!(away < MOST_AWAY)) return found;
    float share = exp2f(-away * LOG2E), moving = away_x * fx * (dx - dz * back_x) + away_y * fy * (dy - dz * back_y);
    found.loss = depth_weight * share * away;
    found.v_depth = depth_weight * share * moving / (back_z * fmaxf(away, 1e-6f));

    // The patch around the pixel, and what the neighbor shows at its places on the plane.
    float here[PATCH], there[PATCH], slopes[PATCH], mean_here = 0, mean_there = 0;
    float base = gray[(size_t)row * width + column], scale = 1 / (depth * facing);
    for (int k = 0; k < PATCH; k++) {
        int right = k % SIDE - SIDE / 2, down = k / SIDE - SIDE / 2;
        float own = gray[(size_t)(row + down) * width + column + right], jx = right / fx, jy = down / fy;
        float tau = (facing + m[0] * jx + m[1] * jy) * scale;
        float ax = bx + r[0] * jx + r[1] * jy + tau * t[0], ay = by + r[3] * jx + r[4] * jy + tau * t[1];
        float az = bz + r[6] * jx + r[7] * jy + tau * t[2];
        if (own < 0 || !(az > LEAST_FAR)) return found;
        Sample shown = sample(other_gray, other_width, other_height, gx * ax / az + ox, gy * ay / az + oy, 0);
        if (shown.value < 0) return found;
        here[k] = own - base, there[k] = shown.value - base;
        slopes[k] = (shown.slope_x * gx * (t[0] - ax / az * t[2]) + shown.slope_y * gy * (t[1] - ay / az * t[2])) / az;
        mean_here += here[k] / PATCH, mean_there += there[k] / PATCH;
    }
    float own_square = PATCH_NOISE, other_square = PATCH_NOISE, product = 0;
    for (int k = 0; k < PATCH; k++) {
        float a = here[k] - mean_here, b = there[k] - mean_there;
        own_square += a * a, other_square += b * b, product += a * b;
    }
    float inverse = rsqrtf(own_square * other_square), alike = product * inverse, strength = photo_weight * share;
    found.loss += strength * (1 - alike);
    float total = 0, along = 0, along_x = 0, along_y = 0;  // sums of the gradient by tau, times tau, times the ray less r
    for (int k = 0; k < PATCH; k++) {
        float jx = (k % SIDE - SIDE / 2) / fx, jy = (k / SIDE - SIDE / 2) / fy;
        float g = (alike * (there[k] - mean_there) / other_square - (here[k] - mean_here) * inverse) * slopes[k];
        along += g * (facing + m[0] * jx + m[1] * jy) * scale;
        along_x += g * jx, along_y += g * jy, total += g;
    }
    float rest = total - along * depth;
    found.v_depth -= strength * along / depth;
    found.v_normal[0] = strength * scale * (along_x + rest * x);
    found.v_normal[1] = strength * scale * (along_y + rest * y);
    found.v_normal[2] = strength * scale * rest;
    return found;
}

// Adds to the gradients those of both losses at `places` pixels, `across` of them to a line, `spacing` pixels apart from (first_x, first_y)
// on. `other_depth` [H',W'] is 0 where nothing is. `losses` gets the weighted loss of each block.
extern "C" __global__ void __launch_bounds__(PIXELS) compare_views(
    int places, int across, int spacing, int first_x, int first_y, int width, int height, const float* geometry, const float* transmittance,
    float middle, Camera camera, const float* gray, Motion relative, Camera other, int other_width, int other_height,
    const float* other_gray, const float* other_depth, float photo_weight, float depth_weight, float* v_geometry, float* v_alpha,
    float* losses)
{
    int place = blockIdx.x * PIXELS + threadIdx.x, column = first_x + place % across * spacing, row = first_y + place / across * spacing;
    size_t at = (size_t)row * width + column, plane = (size_t)width * height;
    float loss = 0, alpha = place < places ? 1 - transmittance[at] : 0;
    if (alpha > SOLID) {
        float x = (column + 0.5f - camera.v[PRINCIPAL]) / camera.v[FOCAL], y = (row + 0.5f - camera.v[PRINCIPAL + 1]) / camera.v[FOCAL + 1];
        float depths = geometry[DEPTHS * plane + at], normal[3];
        for (int c = 0; c < 3; c++) normal[c] = geometry[(NORMALS + c) * plane + at];
        Agreement found = agreement(
            width, height, column, row, x, y, middle + depths / alpha, normal, camera, gray, relative, other, other_width, other_height,
            other_gray, other_depth, photo_weight, depth_weight);
        loss = found.loss;
        v_geometry[DEPTHS * plane + at] += found.v_depth / alpha;
        v_alpha[at] -= found.v_depth * depths / (alpha * alpha);
        for (int c = 0; c < 3; c++) v_geometry[(NORMALS + c) * plane + at] += found.v_normal[c];
    }
    loss = block_sum(loss);
    if (threadIdx.x == 0) losses[blockIdx.x] = loss;
}
