// The input of one patch: coordinates, skip feature and the level below upsampled x2, gathered with its halo.
//
// A row of the patch is `row` floats of each channel's plane. Vector stores run past its end into the next row, which
// is written later, or into the plane's slack.
#pragma once

#include <algorithm>
#include <cstdint>

#include "border.h"
#include "vector.h"

namespace {

inline int64_t vectors(int64_t n) { return (n + kLanes - 1) / kLanes; }

// Columns [left, left + row) of a map of `width` columns, of which those outside are reflections.
struct Columns {
  int64_t left, row, width;
  int64_t begin() const { return std::max<int64_t>(left, 0); }
  int64_t end() const { return std::min(left + row, width); }
};

// x and y from -1 to 1 over the map, for its row y of `height`.
inline void put_coordinates(const Columns& at, int64_t y, int64_t height, float* to, int64_t plane) {
  const float vertical = height > 1 ? -1.f + 2.f * y / (height - 1) : -1.f;
  for (int64_t c = 0; c < at.row; ++c) {
    const int64_t column = reflect(at.left + c, at.width);
    to[c] = at.width > 1 ? -1.f + 2.f * column / (at.width - 1) : -1.f;
    to[plane + c] = vertical;
  }
}

#ifdef HYPERSEG_AVX512
// Sixteen pixels, `step` floats apart, of four channels that lie next to each other, into four planes.
inline void put_four_channels(const float* from, int64_t step, float* to, int64_t plane) {
  __m512 q[4];  // q[j] holds the pixels j, 4 + j, 8 + j, 12 + j
  for (int j = 0; j < 4; ++j) {
    q[j] = _mm512_castps128_ps512(_mm_loadu_ps(from + j * step));
    q[j] = _mm512_mask_broadcast_f32x4(q[j], 0x00f0, _mm_loadu_ps(from + (4 + j) * step));
    q[j] = _mm512_mask_broadcast_f32x4(q[j], 0x0f00, _mm_loadu_ps(from + (8 + j) * step));
    q[j] = _mm512_mask_broadcast_f32x4(q[j], 0xf000, _mm_loadu_ps(from + (12 + j) * step));
  }
  const __m512 a = _mm512_unpacklo_ps(q[0], q[1]), b = _mm512_unpackhi_ps(q[0], q[1]);
  const __m512 c = _mm512_unpacklo_ps(q[2], q[3]), d = _mm512_unpackhi_ps(q[2], q[3]);
  _mm512_storeu_ps(to, _mm512_shuffle_ps(a, c, 0x44));
  _mm512_storeu_ps(to + plane, _mm512_shuffle_ps(a, c, 0xee));
  _mm512_storeu_ps(to + 2 * plane, _mm512_shuffle_ps(b, d, 0x44));
  _mm512_storeu_ps(to + 3 * plane, _mm512_shuffle_ps(b, d, 0xee));
}
#endif

// A row of `channels` maps: pixel c of channel k at c * step + k * channel_step.
inline void put_row(const Columns& at, const float* from, int64_t channels, int64_t channel_step, int64_t step,
                    float* to, int64_t plane) {
  const int64_t begin = at.begin(), end = at.end();
  for (int64_t k = 0; k < channels;) {
    const float* source = from + k * channel_step;
    float* target = to + k * plane;
    int64_t together = 1, c = begin;
#ifdef HYPERSEG_AVX512
    if (channel_step == 1 && k + 4 <= channels) {
      together = 4;
      for (; c + kLanes <= end; c += kLanes) put_four_channels(source + c * step, step, target + c - at.left, plane);
    }
#endif
    for (int64_t n = 0; n < together; ++n, source += channel_step, target += plane) {
      if (step == 1)
        for (int64_t i = c; i < end; i += kLanes) store(target + i - at.left, load_first(source + i, end - i));
      else
        for (int64_t i = c; i < end; ++i) target[i - at.left] = source[i * step];
      if (begin > at.left) target[0] = source[step];
      if (end < at.left + at.row) target[at.row - 1] = source[(at.width - 2) * step];
    }
    k += together;
  }
}

// One channel's row y, upsampled x2 bilinearly (align_corners=False), from a map of half the size: even positions take
// 1/4 and 3/4, odd ones 3/4 and 1/4 of their two neighbours, which are clamped at the border. The map must be readable
// for 18 floats before its begin and past its end.
inline void put_upsampled(const Columns& at, const float* map, int64_t half_height, int64_t y, float* to) {
  const int64_t half_width = at.width / 2;
  const float* upper = map + std::max<int64_t>((y - 1) >> 1, 0) * half_width;
  const float* lower = map + std::min((y + 1) >> 1, half_height - 1) * half_width;
  const float share = (y & 1) ? 0.25f : 0.75f;  // of the lower
  const Vec near = splat(0.75f), far = splat(0.25f), w = splat(share);
  const auto blended = [&](int64_t column) {
    const Vec a = load(upper + column), b = load(lower + column);
    return a + w * (b - a);
  };
  // The positions 2i + 1 and 2i + 2 lie between the columns i and i + 1.
  const int64_t first = (at.left - 1) >> 1;
  for (int64_t i = 0; 2 * i < at.row; i += kLanes) {
    const Vec a = blended(first + i), b = blended(first + i + 1);
    const bool odd = at.left & 1;
    Vec now = odd ? near * a + far * b : far * a + near * b;
    Vec next = odd ? far * a + near * b : near * b + far * blended(first + i + 2);
    interleave(now, next);
    store(to + 2 * i, now);
    store(to + 2 * i + kLanes, next);
  }
  const int64_t last = half_width - 1;
  if (at.left <= 0) to[-at.left] = upper[0] + share * (lower[0] - upper[0]);
  if (at.left < 0) to[0] = to[2];
  if (at.left + at.row >= at.width) to[at.width - 1 - at.left] = upper[last] + share * (lower[last] - upper[last]);
  if (at.left + at.row > at.width) to[at.row - 1] = to[at.row - 3];
}

}  // namespace
