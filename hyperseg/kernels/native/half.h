// Numbers in bfloat16, read and written as float: to the nearest, ties to even, and a NaN stays one.
#pragma once

#include <cstdint>
#include <cstring>

#include "vector.h"

namespace {

typedef uint16_t Half;  // the bits of a bfloat16

inline float widen(float x) { return x; }
inline float widen(Half x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof(wide));
  return wide;
}
inline void put(float* p, float x) { *p = x; }
inline void put(Half* p, float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  *p = x != x ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

#ifdef HYPERSEG_AVX512
inline Vec load(const Half* p) {
  const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}
inline void store(Half* p, Vec v) {
  const __m512i bits = _mm512_castps_si512(v), one = _mm512_set1_epi32(1);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), one);
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 none = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  const __m512i rounded = _mm512_mask_mov_epi32(_mm512_srli_epi32(up, 16), none, _mm512_set1_epi32(0x7fc0));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(rounded));
}
#else
inline Vec load(const Half* p) {
  float values[kLanes];
  for (int64_t i = 0; i < kLanes; ++i) values[i] = widen(p[i]);
  return load(values);
}
inline void store(Half* p, Vec v) {
  float values[kLanes];
  store(values, v);
  for (int64_t i = 0; i < kLanes; ++i) put(p + i, values[i]);
}
#endif

}  // namespace
