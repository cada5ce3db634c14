// Batch norm with its activation in training, forward and backward, of maps in float32 or bfloat16.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "activation.h"
#include "parts.h"

namespace {

template <Activation A>
inline Vec gradient(Vec z, Vec grad) {
  if (A == kSwish) {
    const Vec s = sigmoid<true>(z);
    return grad * (s + z * s * (splat(1.f) - s));
  }
  if (A == kRelu || A == kRelu6) grad = above(grad, z, splat(0.f));
  if (A == kRelu6) grad = below(grad, z, splat(6.f));
  return grad;
}

}  // namespace

extern "C" {

// A map for a batch norm: `pieces` pieces of `rows` rows of `length` numbers (the last piece of channels-last maps may
// be shorter: `total` rows in all). `planes` = 0: channels last, a row is one pixel, a number is one channel.
// `planes` = 1: a row is one channel's plane, a piece is one patch and has one row per channel.
struct NormMap {
  int64_t pieces, rows, length, total, planes;
  float eps, momentum;
  int32_t activation, threads, half;
};
}

namespace {

// Sum over a piece of `term(index)` for each channel, where term gives TERMS vectors; into sums (TERMS, channels).
template <int TERMS, class F>
inline void reduce(const NormMap& m, int64_t piece, float* sums, F term) {
  const int64_t channels = m.planes ? m.rows : m.length;
  if (m.planes) {
    for (int64_t c = 0; c < m.rows; ++c) {
      Vec total[TERMS] = {};
      const int64_t at = (piece * m.rows + c) * m.length;
      vectors(m.length, [&](int64_t i, auto part) { term(at + i, c, part, total); });
      for (int t = 0; t < TERMS; ++t) sums[t * channels + c] = ::total(total[t]);
    }
    return;
  }
  const int64_t begin = piece * m.rows, end = std::min(begin + m.rows, m.total);
  constexpr int64_t kWide = 4;  // vectors side by side, so that a row is read in long pieces
  int64_t done = 0;
  for (; done + kWide * kLanes <= m.length; done += kWide * kLanes) {
    Vec total[kWide][TERMS] = {};
    for (int64_t r = begin; r < end; ++r)
      for (int64_t v = 0; v < kWide; ++v) {
        const int64_t c = done + v * kLanes;
        term(r * m.length + c, c, Full{}, total[v]);
      }
    for (int64_t v = 0; v < kWide; ++v)
      for (int t = 0; t < TERMS; ++t) store(sums + t * channels + done + v * kLanes, total[v][t]);
  }
  vectors(m.length - done, [&](int64_t i, auto part) {
    const int64_t c = done + i;
    Vec total[TERMS] = {};
    for (int64_t r = begin; r < end; ++r) term(r * m.length + c, c, part, total);
    for (int t = 0; t < TERMS; ++t) store(sums + t * channels + c, total[t], part);
  });
}

// `body(index, channel, count)` for every vector of a piece.
template <class F>
inline void each(const NormMap& m, int64_t piece, F body) {
  const int64_t begin = piece * m.rows, end = m.planes ? begin + m.rows : std::min(begin + m.rows, m.total);
  for (int64_t r = begin; r < end; ++r)
    vectors(m.length, [&](int64_t i, auto part) { body(r * m.length + i, m.planes ? r - begin : i, part); });
}

// A channel's value for a vector: of one channel, or of neighbouring channels.
template <class P>
inline Vec channel(const NormMap& m, const float* values, int64_t c, P n) {
  return m.planes ? splat(values[c]) : load(values + c, n);
}

inline int64_t piece_rows(const NormMap& m, int64_t piece) {
  return m.planes ? m.length : std::min(m.rows, m.total - piece * m.rows);
}

// `body(piece)` for all pieces, last ones first: what a pass before this one read last still lies in the cache.
template <class F>
inline void backwards(const NormMap& m, F body) {
#pragma omp parallel num_threads(m.threads)
  {
    const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    for (int64_t p = m.pieces * (thread + 1) / threads; p-- > m.pieces * thread / threads;) body(p);
  }
}

template <Activation A, class T>
void norm_forward(const NormMap& m, const T* x, const float* weight, const float* bias, float* running_mean,
                  float* running_var, T* out, float* mean, float* invstd) {
  const int64_t channels = m.planes ? m.rows : m.length;
  std::vector<float> sums(m.pieces * channels), squares(m.pieces * channels), scale(channels);
#pragma omp parallel for num_threads(m.threads) schedule(static)
  for (int64_t p = 0; p < m.pieces; ++p) {  // a piece's mean, then its squares about that mean: no cancellation
    float* sum = sums.data() + p * channels;
    reduce<1>(m, p, sum, [&](int64_t i, int64_t, auto n, Vec* t) { t[0] += load(x + i, n); });
    const float share = 1.f / piece_rows(m, p);
    for (int64_t c = 0; c < channels; ++c) sum[c] *= share;
    reduce<1>(m, p, squares.data() + p * channels, [&](int64_t i, int64_t c, auto n, Vec* t) {
      const Vec d = keep(load(x + i, n) - channel(m, sum, c, n), n);
      t[0] += d * d;
    });
  }
  const double count = m.planes ? double(m.pieces) * m.length : double(m.total);
  std::vector<double> average(channels), square(channels);
  for (int64_t p = 0; p < m.pieces; ++p)
    for (int64_t c = 0; c < channels; ++c) average[c] += double(sums[p * channels + c]) * (piece_rows(m, p) / count);
  for (int64_t p = 0; p < m.pieces; ++p)
    for (int64_t c = 0; c < channels; ++c) {
      const double d = sums[p * channels + c] - average[c];
      square[c] += squares[p * channels + c] + d * d * piece_rows(m, p);
    }
  for (int64_t c = 0; c < channels; ++c) {
    mean[c] = average[c];
    invstd[c] = 1 / std::sqrt(square[c] / count + m.eps);
    scale[c] = weight[c] * invstd[c];
    running_mean[c] += m.momentum * (mean[c] - running_mean[c]);
    running_var[c] += m.momentum * (float(square[c] / (count - 1)) - running_var[c]);
  }
  backwards(m, [&](int64_t p) {
    each(m, p, [&](int64_t i, int64_t c, auto n) {
      const Vec z = (load(x + i, n) - channel(m, mean, c, n)) * channel(m, scale.data(), c, n);
      store(out + i, activate<A, true>(z + channel(m, bias, c, n)), n);
    });
  });
}

template <Activation A, class T>
void norm_backward(const NormMap& m, const T* x, const float* weight, const float* bias, const float* mean,
                   const float* invstd, const T* grad, T* grad_x, float* grad_weight, float* grad_bias) {
  const int64_t channels = m.planes ? m.rows : m.length;
  std::vector<float> sums(2 * m.pieces * channels), scale(channels), first(channels), second(channels);
  auto normal = [&](int64_t i, int64_t c, auto n) {
    return (load(x + i, n) - channel(m, mean, c, n)) * channel(m, invstd, c, n);
  };
  auto inner = [&](int64_t i, int64_t c, auto n, Vec xhat) {  // gradient of the batch norm's output
    return gradient<A>(xhat * channel(m, weight, c, n) + channel(m, bias, c, n), load(grad + i, n));
  };
#pragma omp parallel for num_threads(m.threads) schedule(static)
  for (int64_t p = 0; p < m.pieces; ++p)
    reduce<2>(m, p, sums.data() + 2 * p * channels, [&](int64_t i, int64_t c, auto n, Vec* t) {
      const Vec xhat = normal(i, c, n), g = inner(i, c, n, xhat);  // lanes past the end: g is 0
      t[0] += g;
      t[1] += g * xhat;
    });
  const double count = m.planes ? double(m.pieces) * m.length : double(m.total);
  std::vector<double> total(2 * channels);
  for (int64_t p = 0; p < m.pieces; ++p)
    for (int64_t c = 0; c < 2 * channels; ++c) total[c] += sums[2 * p * channels + c];
  for (int64_t c = 0; c < channels; ++c) {
    grad_bias[c] = total[c];
    grad_weight[c] = total[channels + c];
    scale[c] = weight[c] * invstd[c];
    first[c] = total[c] / count;
    second[c] = total[channels + c] / count;
  }
  backwards(m, [&](int64_t p) {
    each(m, p, [&](int64_t i, int64_t c, auto n) {
      const Vec xhat = normal(i, c, n), g = inner(i, c, n, xhat);
      const Vec centred = g - channel(m, first.data(), c, n) - xhat * channel(m, second.data(), c, n);
      store(grad_x + i, centred * channel(m, scale.data(), c, n), n);
    });
  });
}

}  // namespace
