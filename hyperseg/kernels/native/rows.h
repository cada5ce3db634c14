// One row of a map, sixteen channels at a time: the depthwise convolution and the stem.
#pragma once

#include <cstdint>

#include "half.h"

namespace {

// N neighbouring columns of 16 channels: `rows` are k input rows with `step` floats from column to column, the filter's
// taps (k, k) lie `tap` floats apart; sink(column, values).
template <int K, int S, int N, typename T, typename Sink>
inline void depthwise_at(const T* const* rows, int64_t step, const float* filter, int64_t tap, Vec bias,
                         int64_t column, const Sink& sink) {
  Vec sum[N];
  for (int t = 0; t < N; ++t) sum[t] = bias;
#pragma GCC unroll 5
  for (int dy = 0; dy < K; ++dy) {
    Vec w[K];
#pragma GCC unroll 5
    for (int dx = 0; dx < K; ++dx) w[dx] = load(filter + (dy * K + dx) * tap);
    const T* from = rows[dy] + column * S * step;
#pragma GCC unroll 16
    for (int j = 0; j < (N - 1) * S + K; ++j) {
      const Vec x = load(from + j * step);
#pragma GCC unroll 4
      for (int t = 0; t < N; ++t)
        if (j >= t * S && j < t * S + K) sum[t] += x * w[j - t * S];
    }
  }
  for (int t = 0; t < N; ++t) sink(column + t, sum[t]);
}

// A whole row from padded rows (column, 16).
template <int K, int S, typename Sink>
void depthwise_row(const float* const* rows, const float* filter, Vec bias, int64_t width, const Sink& sink) {
  int64_t column = 0;
  for (; column + 4 <= width; column += 4) depthwise_at<K, S, 4>(rows, kLanes, filter, kLanes, bias, column, sink);
  for (; column < width; ++column) depthwise_at<K, S, 1>(rows, kLanes, filter, kLanes, bias, column, sink);
}

// N columns of a stem row for one block of 16 outputs: `image` (channel, row, column) is padded, weights are (taps, 16).
template <int N, typename Sink>
inline void stem_at(const float* image, int64_t plane, int64_t row, const float* weights, int64_t kernel, int64_t stride,
                    Vec bias, int64_t column, const Sink& sink) {
  Vec sum[N];
  for (int t = 0; t < N; ++t) sum[t] = bias;
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t dy = 0; dy < kernel; ++dy)
      for (int64_t dx = 0; dx < kernel; ++dx, weights += kLanes) {
        const Vec w = load(weights);
        const float* from = image + c * plane + dy * row + column * stride + dx;
        for (int t = 0; t < N; ++t) sum[t] += w * splat(from[t * stride]);
      }
  for (int t = 0; t < N; ++t) sink(column + t, sum[t]);
}

}  // namespace
