// Sixteen floats at a time, in as many registers as the machine needs for them.
//
// GCC keeps a vector that is wider than a register in memory, at several times the cost; so without AVX-512 a vector is
// a pair of halves, down to what one register holds. Elsewhere that shows in the size of register tiles alone.
#pragma once

#include <cstdint>

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define HYPERSEG_AVX512
#include <immintrin.h>
#endif

namespace {

constexpr int64_t kLanes = 16;
#if defined(HYPERSEG_AVX512)
constexpr int64_t kRegister = 16;  // floats in one register
#elif defined(__AVX__)
constexpr int64_t kRegister = 8;
#else
constexpr int64_t kRegister = 4;
#endif
typedef float Register __attribute__((vector_size(4 * kRegister)));
typedef float Unaligned __attribute__((vector_size(4 * kRegister), aligned(4), may_alias));
typedef int32_t Integers __attribute__((vector_size(4 * kRegister)));

template <typename Half>
struct Pair {
  Half low, high;
};
#if defined(HYPERSEG_AVX512)
typedef Register Vec;
#elif defined(__AVX__)
typedef Pair<Register> Vec;
#else
typedef Pair<Pair<Register>> Vec;
#endif

template <typename H>
inline Pair<H> operator+(Pair<H> a, Pair<H> b) { return {a.low + b.low, a.high + b.high}; }
template <typename H>
inline Pair<H> operator-(Pair<H> a, Pair<H> b) { return {a.low - b.low, a.high - b.high}; }
template <typename H>
inline Pair<H> operator*(Pair<H> a, Pair<H> b) { return {a.low * b.low, a.high * b.high}; }
template <typename H>
inline Pair<H>& operator+=(Pair<H>& a, Pair<H> b) { return a = a + b; }

inline void load_into(Register& v, const float* p) { v = *reinterpret_cast<const Unaligned*>(p); }
inline void fill(Register& v, float x) { v = Register{} + x; }
inline void store(float* p, Register v) { *reinterpret_cast<Unaligned*>(p) = v; }
template <typename H>
inline void load_into(Pair<H>& v, const float* p) { load_into(v.low, p), load_into(v.high, p + sizeof(H) / 4); }
template <typename H>
inline void fill(Pair<H>& v, float x) { fill(v.low, x), v.high = v.low; }
template <typename H>
inline void store(float* p, Pair<H> v) { store(p, v.low), store(p + sizeof(H) / 4, v.high); }

inline Vec load(const float* p) {
  Vec v;
  load_into(v, p);
  return v;
}
inline Vec splat(float x) {
  Vec v;
  fill(v, x);
  return v;
}

// The larger and the smaller of two, lane by lane; a NaN in v stays one.
inline Register at_least(Register v, Register low) { return low > v ? low : v; }
inline Register at_most(Register v, Register high) { return high < v ? high : v; }
// v, and 0 in lanes where z is at most `low`, or at least `high`.
inline Register above(Register v, Register z, Register low) { return z <= low ? Register{} : v; }
inline Register below(Register v, Register z, Register high) { return z >= high ? Register{} : v; }
template <typename H>
inline Pair<H> at_least(Pair<H> v, Pair<H> low) { return {at_least(v.low, low.low), at_least(v.high, low.high)}; }
template <typename H>
inline Pair<H> at_most(Pair<H> v, Pair<H> high) { return {at_most(v.low, high.low), at_most(v.high, high.high)}; }
template <typename H>
inline Pair<H> above(Pair<H> v, Pair<H> z, Pair<H> low) {
  return {above(v.low, z.low, low.low), above(v.high, z.high, low.high)};
}
template <typename H>
inline Pair<H> below(Pair<H> v, Pair<H> z, Pair<H> high) {
  return {below(v.low, z.low, high.low), below(v.high, z.high, high.high)};
}

inline float lane(Register v, int64_t i) { return v[i]; }
template <typename H>
inline float lane(Pair<H> v, int64_t i) {
  constexpr int64_t kHalf = sizeof(H) / 4;
  return i < kHalf ? lane(v.low, i) : lane(v.high, i - kHalf);
}
inline float total(Vec v) {
  float sum = 0.f;
  for (int64_t i = 0; i < kLanes; ++i) sum += lane(v, i);
  return sum;
}

// The first n floats, the others zero; reads no further. n may be any number.
inline Vec load_first(const float* p, int64_t n) {
  if (n >= kLanes) return load(p);
  if (n <= 0) return Vec{};
#ifdef HYPERSEG_AVX512
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#else
  float values[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) values[i] = p[i];
  return load(values);
#endif
}

// Writes the first n lanes alone.
inline void store_first(float* p, Vec v, int64_t n) {
  if (n >= kLanes) return store(p, v);
  if (n <= 0) return;
#ifdef HYPERSEG_AVX512
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
#else
  float values[kLanes];
  store(values, v);
  for (int64_t i = 0; i < n; ++i) p[i] = values[i];
#endif
}

// The first n lanes of v, the others zero.
inline Vec keep_first(Vec v, int64_t n) {
  if (n >= kLanes) return v;
  float values[kLanes];
  store(values, v);
  return load_first(values, n);
}

// Past the caches to memory, for a map that is larger than they are: p is aligned to a vector. Before another thread may
// read it, `finish_streams`.
inline void stream(float* p, Vec v) {
#ifdef HYPERSEG_AVX512
  _mm512_stream_ps(p, v);
#else
  store(p, v);
#endif
}
inline void finish_streams() {
#ifdef HYPERSEG_AVX512
  _mm_sfence();
#endif
}
inline bool aligned(const float* p) { return reinterpret_cast<uintptr_t>(p) % (4 * kLanes) == 0; }

// a and b to a0 b0 a1 b1 ..., twice as many floats.
inline void interleave(Register& a, Register& b) {
  Register first, second;
#if defined(HYPERSEG_AVX512)
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  first = _mm512_permutex2var_ps(a, low, b);
  second = _mm512_permutex2var_ps(a, _mm512_add_epi32(low, _mm512_set1_epi32(8)), b);
#elif defined(__clang__) && defined(__AVX__)
  first = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  second = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__clang__)
  first = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  second = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#elif defined(__AVX__)
  first = __builtin_shuffle(a, b, Integers{0, 8, 1, 9, 2, 10, 3, 11});
  second = __builtin_shuffle(a, b, Integers{4, 12, 5, 13, 6, 14, 7, 15});
#else
  first = __builtin_shuffle(a, b, Integers{0, 4, 1, 5});
  second = __builtin_shuffle(a, b, Integers{2, 6, 3, 7});
#endif
  a = first;
  b = second;
}
template <typename H>
inline void interleave(Pair<H>& a, Pair<H>& b) {
  interleave(a.low, b.low);
  interleave(a.high, b.high);
  const Pair<H> first = {a.low, b.low};
  b = {a.high, b.high};
  a = first;
}

}  // namespace
