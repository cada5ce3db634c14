// Depthwise convolutions of channels-last maps in float32 or bfloat16 in training, forward and backward.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "parts.h"
#include "rows.h"

namespace {

// A depthwise convolution on channels-last maps: filters (kernel * kernel, channels), `before` lines of zeros before.
struct Depthwise {
  int64_t batch, channels, height, width, out_height, out_width, stride, before;
};

// Output columns [begin, end) of one output line and vector of channels, at any place of the map; taps outside it are 0.
template <int K, class T, class P>
inline void at_border(const Depthwise& d, const T* x, const float* filters, T* out, int64_t b, int64_t oy, int64_t c,
                      int64_t begin, int64_t end, P part) {
  const int64_t top = oy * d.stride - d.before;
  for (int64_t ox = begin; ox < end; ++ox) {
    const int64_t left = ox * d.stride - d.before;
    Vec sum = {};
    for (int64_t dy = std::max<int64_t>(0, -top); dy < std::min<int64_t>(K, d.height - top); ++dy)
      for (int64_t dx = std::max<int64_t>(0, -left); dx < std::min<int64_t>(K, d.width - left); ++dx)
        sum += load(filters + (dy * K + dx) * d.channels + c, part) *
               load(x + ((b * d.height + top + dy) * d.width + left + dx) * d.channels + c, part);
    store(out + ((b * d.out_height + oy) * d.out_width + ox) * d.channels + c, sum, part);
  }
}

template <int K, int S, class T>
void maps_forward(const Depthwise& d, const T* x, const float* filters, T* out, int threads) {
  // Columns whose taps all lie inside the map.
  const int64_t first = std::min((d.before + S - 1) / S, d.out_width);
  const int64_t last = std::max(first, std::min((d.width - K + d.before) / S + 1, d.out_width));
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t line = 0; line < d.batch * d.out_height; ++line) {
    const int64_t b = line / d.out_height, oy = line % d.out_height, top = oy * S - d.before;
    const bool inside = top >= 0 && top + K <= d.height && d.width >= K;
    const int64_t wide = inside ? d.channels / kLanes * kLanes : 0;
    for (int64_t c = 0; c < wide; c += kLanes) {
      const T* rows[K];
      for (int64_t dy = 0; dy < K; ++dy)
        rows[dy] = x + ((b * d.height + top + dy) * d.width - d.before) * d.channels + c;
      T* to = out + line * d.out_width * d.channels + c;
      const auto sink = [&](int64_t column, Vec v) { store(to + column * d.channels, v); };
      at_border<K>(d, x, filters, out, b, oy, c, 0, first, Full{});
      int64_t ox = first;
      for (; ox + 4 <= last; ox += 4)
        depthwise_at<K, S, 4>(rows, d.channels, filters + c, d.channels, Vec{}, ox, sink);
      for (; ox < last; ++ox) depthwise_at<K, S, 1>(rows, d.channels, filters + c, d.channels, Vec{}, ox, sink);
      at_border<K>(d, x, filters, out, b, oy, c, last, d.out_width, Full{});
    }
    vectors(d.channels - wide, [&](int64_t i, auto part) {
      at_border<K>(d, x, filters, out, b, oy, wide + i, 0, d.out_width, part);
    });
  }
}

// With stride 1 the gradient of the input is a convolution itself, of the gradient with the filters turned about.
template <int K, class T>
void maps_backward_input(const Depthwise& d, const float* filters, const T* grad, T* grad_x, int threads) {
  if (d.stride == 1) {
    std::vector<float> turned(K * K * d.channels);
    for (int64_t t = 0; t < K * K; ++t)
      std::copy_n(filters + (K * K - 1 - t) * d.channels, d.channels, turned.data() + t * d.channels);
    const Depthwise back{d.batch, d.channels, d.out_height, d.out_width, d.height, d.width, 1, K - 1 - d.before};
    return maps_forward<K, 1>(back, grad, turned.data(), grad_x, threads);
  }
  constexpr int64_t kStride = 2;  // the only other one
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t line = 0; line < d.batch * d.height; ++line) {
    const int64_t b = line / d.height, y = line % d.height + d.before;
    const T* map = grad + b * d.out_height * d.out_width * d.channels;
    vectors(d.channels, [&](int64_t c, auto part) {
      Vec w[K * K];
      for (int t = 0; t < K * K; ++t) w[t] = load(filters + t * d.channels + c, part);
      for (int64_t ix = 0; ix < d.width; ++ix) {
        const int64_t x = ix + d.before;
        Vec sum = {};
        for (int64_t dy = y % kStride; dy < K && dy <= y; dy += kStride) {
          const int64_t oy = (y - dy) / kStride;
          if (oy >= d.out_height) continue;
          for (int64_t dx = x % kStride; dx < K && dx <= x; dx += kStride) {
            const int64_t ox = (x - dx) / kStride;
            if (ox >= d.out_width) continue;
            sum += w[dy * K + dx] *
                   load(map + (oy * d.out_width + ox) * d.channels + c, part);
          }
        }
        store(grad_x + (line * d.width + ix) * d.channels + c, sum, part);
      }
    });
  }
}

template <int K, class T>
void maps_backward_filters(const Depthwise& d, const T* x, const T* grad, float* grad_filters, int threads) {
  constexpr int64_t kRows = 8;  // output rows of one piece
  const int64_t strips = (d.out_height + kRows - 1) / kRows, room = K * K * d.channels;
  std::vector<float> parts(d.batch * strips * room);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t piece = 0; piece < d.batch * strips; ++piece) {
    const int64_t b = piece / strips, first = piece % strips * kRows, last = std::min(first + kRows, d.out_height);
    vectors(d.channels, [&](int64_t c, auto n) {
      Vec sums[K * K] = {};
      for (int64_t oy = first; oy < last; ++oy) {
        const int64_t top = oy * d.stride - d.before;
        const T* g = grad + (b * d.out_height + oy) * d.out_width * d.channels + c;
        const bool inside = top >= 0 && top + K <= d.height;
        for (int64_t ox = 0; ox < d.out_width; ++ox) {
          const int64_t left = ox * d.stride - d.before;
          const Vec own = load(g + ox * d.channels, n);
          const T* corner = x + ((b * d.height + top) * d.width + left) * d.channels + c;
          if (inside && left >= 0 && left + K <= d.width) {
#pragma GCC unroll 5
            for (int dy = 0; dy < K; ++dy) {
              const T* from = corner + dy * d.width * d.channels;
#pragma GCC unroll 5
              for (int dx = 0; dx < K; ++dx) sums[dy * K + dx] += own * load(from + dx * d.channels, n);
            }
          } else {  // unrolled, lest the sums leave their registers
#pragma GCC unroll 25
            for (int t = 0; t < K * K; ++t) {
              const int64_t y = top + t / K, at = left + t % K;
              if (y < 0 || y >= d.height || at < 0 || at >= d.width) continue;
              sums[t] += own * load(corner + (t / K * d.width + t % K) * d.channels, n);
            }
          }
        }
      }
      for (int t = 0; t < K * K; ++t) store(parts.data() + piece * room + t * d.channels + c, sums[t], n);
    });
  }
  std::vector<double> total(room);
  for (int64_t piece = 0; piece < d.batch * strips; ++piece)
    for (int64_t i = 0; i < room; ++i) total[i] += parts[piece * room + i];
  std::copy(total.begin(), total.end(), grad_filters);
}

}  // namespace
