// Sixteen floats at a time, what the blocks do with them, and the tiles of AMX where the CPU has them.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__AVX512BF16__) && defined(__linux__)
#define HYPERSEG_AMX
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

constexpr int64_t kLanes = 16;
typedef float Vec __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes)));
typedef uint16_t Half;  // the bits of a bfloat16
constexpr int64_t kTile = 512;  // numbers in a tile of bfloat16

enum Activation : int64_t { kNone = 0, kSwish = 1, kRelu = 2, kRelu6 = 3 };

inline Vec load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<Vec*>(p) = v; }
inline Vec splat(float x) { return Vec{} + x; }

inline float total(Vec v) {
  float sum = 0.f;
  for (int64_t i = 0; i < kLanes; ++i) sum += v[i];
  return sum;
}

// The first n lanes of v, the others zero; n may lie outside 0 to 16.
inline Vec keep_first(Vec v, int64_t n) {
  if (n >= kLanes) return v;
  const Ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return lane < static_cast<int32_t>(n) ? v : Vec{};
}

// The first n floats, the others zero; reads no further. n > 0.
inline Vec load_first(const float* p, int64_t n) {
  if (n >= kLanes) return load(p);
#ifdef __AVX512F__
  const __m512 v = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
  return reinterpret_cast<const Vec&>(v);
#else
  Vec v = {};
  for (int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}

inline void store_first(float* p, Vec v, int64_t n) {
  if (n >= kLanes) return store(p, v);
#ifdef __AVX512F__
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), reinterpret_cast<__m512&>(v));
#else
  for (int64_t i = 0; i < n; ++i) p[i] = v[i];
#endif
}

// Past the caches to memory, for a map that is larger than they are: p is aligned to a vector. Before another thread may
// read it, `finish_streams`.
inline void stream(float* p, Vec v) {
#ifdef __AVX512F__
  _mm512_stream_ps(p, reinterpret_cast<const __m512&>(v));
#else
  store(p, v);
#endif
}
inline void finish_streams() {
#ifdef __AVX512F__
  _mm_sfence();
#endif
}
inline bool aligned(const float* p) { return reinterpret_cast<uintptr_t>(p) % sizeof(Vec) == 0; }

// a and b to a0 b0 a1 b1 ..., 32 floats.
inline void interleave(Vec& a, Vec& b) {
#ifdef __AVX512F__
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  const __m512 x = reinterpret_cast<const __m512&>(a), y = reinterpret_cast<const __m512&>(b);
  const __m512 first = _mm512_permutex2var_ps(x, low, y), second = _mm512_permutex2var_ps(x, high, y);
  a = reinterpret_cast<const Vec&>(first);
  b = reinterpret_cast<const Vec&>(second);
#else
  Vec first, second;
  for (int64_t i = 0; i < kLanes / 2; ++i) {
    first[2 * i] = a[i];
    first[2 * i + 1] = b[i];
    second[2 * i] = a[kLanes / 2 + i];
    second[2 * i + 1] = b[kLanes / 2 + i];
  }
  a = first;
  b = second;
#endif
}

// exp(-x) for x above -87; exact to a few units in the last place, or (kExact false) to 1e-4.
template <bool kExact>
inline Vec exp_negative(Vec x) {
  const Vec t = x * splat(-1.44269504088896f);
#ifdef __AVX512DQ__
  const __m512 scaled = reinterpret_cast<const __m512&>(t);
  const __m512 rest = _mm512_reduce_ps(scaled, 0x01);  // t - floor(t)
  const Vec f = reinterpret_cast<const Vec&>(rest);
#else
  const Vec limited = t < splat(-126.f) ? splat(-126.f) : t;
  Vec floor = __builtin_convertvector(__builtin_convertvector(limited, Ints), Vec);
  floor = floor > limited ? floor - splat(1.f) : floor;
  const Vec f = limited - floor;
#endif
  // 2^f on [0, 1), minimax.
  Vec p;
  if (kExact) {
    p = splat(1.8775767e-3f);
    p = p * f + splat(8.9893397e-3f);
    p = p * f + splat(5.5826318e-2f);
    p = p * f + splat(2.4015361e-1f);
    p = p * f + splat(6.9315308e-1f);
    p = p * f + splat(9.9999994e-1f);
  } else {
    p = splat(7.9024744e-2f);
    p = p * f + splat(2.2412704e-1f);
    p = p * f + splat(6.9683883e-1f);
    p = p * f + splat(9.9989297e-1f);
  }
#ifdef __AVX512DQ__
  const __m512 power = _mm512_scalef_ps(reinterpret_cast<const __m512&>(p), scaled);
  return reinterpret_cast<const Vec&>(power);
#else
  const Ints bits = (__builtin_convertvector(floor, Ints) + 127) << 23;
  return p * reinterpret_cast<const Vec&>(bits);
#endif
}

template <bool kExact>
inline Vec reciprocal(Vec x) {
#ifdef __AVX512F__
  const __m512 guess = _mm512_rcp14_ps(reinterpret_cast<const __m512&>(x));
  const Vec r = reinterpret_cast<const Vec&>(guess);
  return kExact ? r * (splat(2.f) - x * r) : r;
#else
  return splat(1.f) / x;
#endif
}

template <bool kExact>
inline Vec sigmoid(Vec x) {
  const Vec limited = x < splat(-87.f) ? splat(-87.f) : x;  // this way round a NaN stays one
  return reciprocal<kExact>(splat(1.f) + exp_negative<kExact>(limited));
}

template <Activation kKind, bool kExact>
inline Vec activate(Vec v) {
  if (kKind == kSwish) return v * sigmoid<kExact>(v);
  if (kKind == kNone) return v;
  v = splat(0.f) > v ? splat(0.f) : v;  // this way round a NaN stays one
  return kKind == kRelu6 ? (splat(6.f) < v ? splat(6.f) : v) : v;
}

#ifdef HYPERSEG_AMX
inline void store_half(Half* p, Vec v) {
  const __m256bh rounded = _mm512_cvtneps_pbh(reinterpret_cast<const __m512&>(v));
  std::memcpy(p, &rounded, sizeof(rounded));
}

// Linux hands out the tiles' registers on request, once per process.
inline int allow_tiles() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// Eight tiles of 16 rows by 64 bytes for the thread, while it lives.
class TileScope {
 public:
  explicit TileScope(bool wanted) : wanted_(wanted) {
    if (!wanted_) return;
    struct alignas(64) {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } config;
    _tile_loadconfig(&config);
  }
  ~TileScope() {
    if (wanted_) _tile_release();
  }

 private:
  bool wanted_;
};
#else
inline void store_half(Half*, Vec) {}
inline int allow_tiles() { return 0; }
struct TileScope {
  explicit TileScope(bool) {}
};
#endif

}  // namespace
