// What all kernels share. The numbers of rows and columns (MEAN, RED, TILE …) and the constants come from Python, see source.py.

struct Camera { float v[CAMERA]; };
struct Control { float v[CONTROL]; };
struct Rates { float v[MOST_COLUMNS]; };
struct Color { float v[3]; };

constexpr int PIXELS = TILE * TILE;
constexpr int ENTRY = (SIGNAL + 4) / 4 * 4;  // floats of a gradient row without depth and normals; they are read and written in fours
// Columns of `shapes` of splats that aren't surfels, whose shapes are planes: depth of the front at the center, change of depth per pixel to
// the right and down.
constexpr int FRONT = INVERSE, SLOPE = SHRINK;
constexpr unsigned FULL = 0xffffffffu;

__device__ inline float square(float x) { return x * x; }

// `weight` may be missing: everything is known then.
__device__ inline bool is_known(const unsigned char* weight, size_t at) { return !weight || weight[at] >= 128; }
