// Runs CUDA kernels on the CPU, one block after another, for tests: every thread of a block is a fiber that runs to its next barrier or
// shuffle. Slow, exact about who waits for whom, and strict: a barrier that not all threads of a block reach is an error.

#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __constant__ static const
#define __shared__ static
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(threads)

struct uint3 { unsigned x, y, z; };
struct int2 { int x, y; };
struct alignas(16) float4 { float x, y, z, w; };
inline int2 make_int2(int x, int y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline int __float_as_int(float x) { int bits; memcpy(&bits, &x, 4); return bits; }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }

static uint3 gridDim, blockDim, blockIdx, threadIdx;

namespace host {

enum class State { ready, at_barrier, at_shuffle, finished };
constexpr int WARP = 32;
constexpr size_t STACK = 1 << 16;

struct Fiber {
    State state;
    bool begun;
    unsigned shuffles;
    jmp_buf here;
    ucontext_t start;
    float slots[2];  // two, so that a value may be given while the one before is still being read
    int vote;
    std::vector<char> stack;
};

static std::vector<Fiber> fibers;
static ucontext_t scheduler_start;
static jmp_buf scheduler;
static int current;
static bool backwards;  // the order in which threads run between barriers, which must not matter
static int votes;
static void (*body)(void*);
static void* body_data;
static std::string problem;

inline void enter()
{
    body(body_data);
    fibers[current].state = State::finished;
    _longjmp(scheduler, 1);
}

inline void wait(State state)
{
    fibers[current].state = state;
    if (!_setjmp(fibers[current].here)) _longjmp(scheduler, 1);
}

inline void resume(int index)
{
    current = index;
    threadIdx = {(unsigned)index, 0, 0};
    Fiber& fiber = fibers[index];
    if (_setjmp(scheduler)) return;
    if (fiber.begun) _longjmp(fiber.here, 1);
    fiber.begun = true;
    getcontext(&fiber.start);
    fiber.start.uc_stack.ss_sp = fiber.stack.data();
    fiber.start.uc_stack.ss_size = STACK;
    fiber.start.uc_link = nullptr;
    makecontext(&fiber.start, enter, 0);
    swapcontext(&scheduler_start, &fiber.start);
}

// Whether threads [first, last) all wait in `state` (those that have finished count where `finished_too`).
inline bool all(int first, int last, State state, bool finished_too)
{
    for (int i = first; i < last; i++)
        if (fibers[i].state != state && !(finished_too && fibers[i].state == State::finished)) return false;
    return true;
}

inline void run_block(int threads)
{
    for (int i = 0; i < threads; i++) fibers[i].state = State::ready, fibers[i].begun = false, fibers[i].shuffles = 0;
    while (problem.empty() && !all(0, threads, State::finished, false)) {
        bool moved = false;
        for (int k = 0; k < threads; k++) {
            int i = backwards ? threads - 1 - k : k;
            if (fibers[i].state == State::ready) resume(i), moved = true;
        }
        for (int warp = 0; warp < threads; warp += WARP)
            if (all(warp, warp + WARP, State::at_shuffle, false))
                for (int i = warp; i < warp + WARP; i++) fibers[i].state = State::ready, moved = true;
        if (all(0, threads, State::at_barrier, false)) {
            votes = 0;
            for (int i = 0; i < threads; i++) fibers[i].state = State::ready, votes += fibers[i].vote, moved = true;
        }
        if (!moved) problem = "threads wait for others that never come";
    }
}

// A letter for each argument: its type, or for one that is passed by value its size in bytes.
template <class T> std::string letter()
{
    using Bare = std::remove_const_t<std::remove_pointer_t<T>>;
    if constexpr (!std::is_pointer_v<T>) {
        if constexpr (std::is_same_v<T, int>) return "i";
        else if constexpr (std::is_same_v<T, float>) return "f";
        else return "<" + std::to_string(sizeof(T)) + ">";
    }
    else if constexpr (std::is_same_v<Bare, float> || std::is_same_v<Bare, float4>) return "F";
    else if constexpr (std::is_same_v<Bare, int>) return "I";
    else if constexpr (std::is_same_v<Bare, long long>) return "L";
    else if constexpr (std::is_same_v<Bare, short>) return "S";
    else if constexpr (std::is_same_v<Bare, unsigned char>) return "B";
    else return "?";
}

template <class... A, size_t... I>
void call(void (*kernel)(A...), void** values, std::index_sequence<I...>) { kernel(*(std::decay_t<A>*)values[I]...); }

template <class... A>
void launch(void (*kernel)(A...), const char* letters, const unsigned* grid, const unsigned* block, void** values)
{
    std::string expected = (letter<A>() + ... + std::string());
    if (!letters) letters = expected.c_str();
    if (expected.size() != strlen(letters)) problem = "arguments " + std::string(letters) + " instead of " + expected;
    for (size_t i = 0; problem.empty() && i < expected.size(); i++)
        if (expected[i] != letters[i] && letters[i] != '0') problem = "arguments " + std::string(letters) + " instead of " + expected;
    auto once = [&] { call(kernel, values, std::index_sequence_for<A...>()); };
    body = [](void* data) { (*(decltype(once)*)data)(); };
    body_data = &once;
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    int threads = block[0];
    while ((int)fibers.size() < threads) fibers.emplace_back(), fibers.back().stack.resize(STACK);
    for (unsigned z = 0; z < grid[2]; z++)
        for (unsigned y = 0; y < grid[1]; y++)
            for (unsigned x = 0; x < grid[0] && problem.empty(); x++) {
                blockIdx = {backwards ? grid[0] - 1 - x : x, y, z};
                run_block(threads);
            }
}

}  // namespace host

inline int __syncthreads_count(int vote)
{
    host::fibers[host::current].vote = vote != 0;
    host::wait(host::State::at_barrier);
    return host::votes;
}

inline void __syncthreads() { __syncthreads_count(0); }

inline float __shfl_sync(unsigned, float value, int lane)
{
    host::Fiber& fiber = host::fibers[host::current];
    unsigned slot = fiber.shuffles++ % 2;
    int source = host::current / host::WARP * host::WARP + lane;
    fiber.slots[slot] = value;
    host::wait(host::State::at_shuffle);
    return host::fibers[source].slots[slot];
}

inline float __shfl_up_sync(unsigned mask, float value, int distance)
{
    int lane = host::current % host::WARP;
    return __shfl_sync(mask, value, lane < distance ? lane : lane - distance);
}

inline int atomicMax(int* place, int value)
{
    int before = *place;
    *place = max(before, value);
    return before;
}

extern "C" void run_backwards(int on) { host::backwards = on; }
