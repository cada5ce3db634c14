// Products of pixels and weights for 1x1 convolutions: in registers, and bfloat16 on AMX tiles where there are some.
//
// A sink takes the sums, sixteen output channels of one pixel at a time, and writes what it makes of them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "amx.h"
#include "vector.h"

namespace {

constexpr int64_t kGroup = 2 * kLanes;  // channels of one task, and of one block of a bfloat16 operand
// Pixels and blocks of one register tile.
#ifdef HYPERSEG_AVX512
constexpr int kRows = 12, kColumns = 2;
#else
constexpr int kRows = 6, kColumns = 1;
#endif

inline int64_t blocks(int64_t channels) { return (channels + kLanes - 1) / kLanes; }
inline int64_t padded(int64_t channels) { return (channels + kGroup - 1) / kGroup * kGroup; }

template <typename T>
inline int64_t depth_of(int64_t channels) {
  return sizeof(T) == 2 ? padded(channels) : channels;
}

// A product's left side: element (pixel, channel) at (channel / 32) * block + pixel * step + channel % 32.
template <typename T>
struct Operand {
  const T* data;
  int64_t step, block;
};

// R pixels times C blocks of 16 output channels, all sums in registers; `sink(pixel, block, values)` takes them.
template <int R, int C, typename Sink>
inline void tile(const Operand<float>& a, int64_t pixel, const float* weights, int64_t depth, int64_t first,
                 const Sink& sink) {
  Vec sum[R][C] = {};
  const float* w = weights + first * depth * kLanes;
  for (int64_t k0 = 0; k0 < depth; k0 += kGroup) {
    const float* from = a.data + k0 / kGroup * a.block + pixel * a.step;
    const int64_t n = std::min(depth - k0, kGroup);
    for (int64_t k = 0; k < n; ++k, w += kLanes) {
      Vec column[C];
      for (int c = 0; c < C; ++c) column[c] = load(w + c * depth * kLanes);
      for (int r = 0; r < R; ++r) {
        const Vec x = splat(from[r * a.step + k]);
        for (int c = 0; c < C; ++c) sum[r][c] += x * column[c];
      }
    }
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) sink(pixel + r, first + c, sum[r][c]);
}

#ifdef HYPERSEG_BF16
// The same of pairs of bfloat16, weights (blocks, depth / 32, 16 pairs, 16, 2): two products and their sum a lane.
template <int R, int C, typename Sink>
inline void tile(const Operand<Half>& a, int64_t pixel, const Half* weights, int64_t depth, int64_t first,
                 const Sink& sink) {
  __m512 sum[R][C] = {};
  const Half* w = weights + first * depth * kLanes;
  for (int64_t k0 = 0; k0 < depth; k0 += kGroup) {
    const Half* from = a.data + k0 / kGroup * a.block + pixel * a.step;
    for (int64_t k = 0; k < kGroup; k += 2, w += 2 * kLanes) {
      __m512bh column[C];
      for (int c = 0; c < C; ++c) std::memcpy(&column[c], w + c * depth * kLanes, sizeof(column[c]));
      for (int r = 0; r < R; ++r) {
        int32_t pair;
        std::memcpy(&pair, from + r * a.step + k, sizeof(pair));
        const __m512i x = _mm512_set1_epi32(pair);
        for (int c = 0; c < C; ++c)
          sum[r][c] = _mm512_dpbf16_ps(sum[r][c], reinterpret_cast<const __m512bh&>(x), column[c]);
      }
    }
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) sink(pixel + r, first + c, sum[r][c]);
}
#endif

template <int C, typename T, typename Sink>
inline void columns(const Operand<T>& a, int64_t begin, int64_t end, const T* weights, int64_t depth, int64_t first,
                    const Sink& sink) {
  int64_t p = begin;
  for (; p + kRows <= end; p += kRows) tile<kRows, C>(a, p, weights, depth, first, sink);
  for (; p + 4 <= end; p += 4) tile<4, C>(a, p, weights, depth, first, sink);
  for (; p < end; ++p) tile<1, C>(a, p, weights, depth, first, sink);
}

// Pixels [begin, end) times blocks [first, last) of the weights, of float32 (blocks, depth, 16).
template <typename T, typename Sink>
inline void product(const Operand<T>& a, int64_t begin, int64_t end, const T* weights, int64_t depth, int64_t first,
                    int64_t last, const Sink& sink) {
  for (; first + kColumns <= last; first += kColumns)
    columns<kColumns>(a, begin, end, weights, depth, first, sink);
  if (first < last) columns<1>(a, begin, end, weights, depth, first, sink);
}

#ifdef HYPERSEG_AMX
// Tiles 0-3 sum, 4-5 hold 16 pixels x 32 channels, 6-7 hold 32 channels x 16 outputs.
template <int R, int C, typename Sink>
inline void tile(const Operand<Half>& a, int64_t pixel, int64_t end, const Half* weights, int64_t depth, int64_t first,
                 const Sink& sink) {
  alignas(64) float sums[4][kLanes * kLanes];
  const int64_t step = a.step * sizeof(Half);
  const int64_t panel = depth / kGroup * kTile;
  const Half* w = weights + first * panel;
  const Half* x = a.data + pixel * a.step;
  _tile_zero(0);
  if (C > 1) _tile_zero(1);
  if (R > 1) _tile_zero(2);
  if (R > 1 && C > 1) _tile_zero(3);
  for (int64_t k = 0; k < depth; k += kGroup, x += a.block, w += kTile) {
    _tile_loadd(4, x, step);
    _tile_loadd(6, w, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (C > 1) {
      _tile_loadd(7, w + panel, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (R > 1) {
      _tile_loadd(5, x + kLanes * a.step, step);
      _tile_dpbf16ps(2, 5, 6);
      if (C > 1) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums[0], 64);
  if (C > 1) _tile_stored(1, sums[1], 64);
  if (R > 1) _tile_stored(2, sums[2], 64);
  if (R > 1 && C > 1) _tile_stored(3, sums[3], 64);
  for (int c = 0; c < C; ++c)
    for (int r = 0; r < R; ++r) {
      const int64_t n = std::min<int64_t>(end - pixel - r * kLanes, kLanes);
      for (int64_t i = 0; i < n; ++i) sink(pixel + r * kLanes + i, first + c, load(sums[2 * r + c] + i * kLanes));
    }
}

// The same on tiles, of bfloat16. Reads up to 31 pixels past `end`.
template <typename Sink>
inline void product(const Operand<Half>& a, int64_t begin, int64_t end, const Half* weights, int64_t depth,
                    int64_t first, int64_t last, const Sink& sink) {
  for (; first < last; first += 2) {
    const bool wide = first + 2 <= last;
    int64_t p = begin;
    for (; end - p > kLanes; p += 2 * kLanes)
      wide ? tile<2, 2>(a, p, end, weights, depth, first, sink) : tile<2, 1>(a, p, end, weights, depth, first, sink);
    if (p < end)
      wide ? tile<1, 2>(a, p, end, weights, depth, first, sink) : tile<1, 1>(a, p, end, weights, depth, first, sink);
  }
}
#endif

}  // namespace
