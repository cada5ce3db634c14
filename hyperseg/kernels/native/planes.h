// Depthwise 3x3 convolutions of planes that each have a filter of their own: a channel of a patch, in training.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "parts.h"

namespace {

// n numbers as float: where they are, or widened into `room`.
inline const float* floats(const float* p, int64_t, float*) { return p; }
inline const float* floats(const Half* p, int64_t n, float* room) {
  vectors(n, [&](int64_t i, auto part) { store(room + i, load(p + i, part), part); });
  return room;
}
// Where floats are written that are to end in p, and how they get there.
inline float* target(float* p, float*) { return p; }
inline float* target(Half*, float* room) { return room; }
inline void finish(float*, const float*, int64_t) {}
inline void finish(Half* p, const float* room, int64_t n) {
  vectors(n, [&](int64_t i, auto part) { store(p + i, load(room + i, part), part); });
}

template <class T>
void planes_forward(const T* x, const T* filters, T* out, int64_t planes, int64_t height, int64_t width, int threads) {
  const int64_t row = width + 2, padded = (height + 2) * row, inner = height * width;
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> room(padded + inner);
#pragma omp for schedule(static)
    for (int64_t p = 0; p < planes; ++p) {
      float w[9];
      for (int t = 0; t < 9; ++t) w[t] = widen(filters[p * 9 + t]);
      const float* in = floats(x + p * padded, padded, room.data());
      float* to = target(out + p * inner, room.data() + padded);
      for (int64_t r = 0; r < height; ++r) {
        const float *a = in + r * row, *b = a + row, *c = b + row;
        for (int64_t i = 0; i < width; ++i)
          to[r * width + i] = w[0] * a[i] + w[1] * a[i + 1] + w[2] * a[i + 2] + w[3] * b[i] + w[4] * b[i + 1] +
                              w[5] * b[i + 2] + w[6] * c[i] + w[7] * c[i + 1] + w[8] * c[i + 2];
      }
      finish(out + p * inner, to, inner);
    }
  }
}

template <class T>
void planes_backward(const T* x, const T* filters, const T* grad, T* grad_x, T* grad_filters, int64_t planes,
                     int64_t height, int64_t width, int threads) {
  const int64_t row = width + 2, padded = (height + 2) * row, inner = height * width;
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> room(2 * padded + inner);
#pragma omp for schedule(static)
    for (int64_t p = 0; p < planes; ++p) {
      const float* in = floats(x + p * padded, padded, room.data());
      const float* g = floats(grad + p * inner, inner, room.data() + padded);
      float* to = target(grad_x + p * padded, room.data() + padded + inner);
      std::fill(to, to + padded, 0.f);
      float sums[9] = {};
      for (int64_t r = 0; r < height; ++r) {
        const float* line = g + r * width;
        for (int64_t dy = 0; dy < 3; ++dy) {
          const float* from = in + (r + dy) * row;
          float* into = to + (r + dy) * row;
          for (int64_t dx = 0; dx < 3; ++dx) {
            const float weight = widen(filters[p * 9 + dy * 3 + dx]);
            float sum = 0.f;
            for (int64_t i = 0; i < width; ++i) {
              sum += line[i] * from[i + dx];
              into[i + dx] += line[i] * weight;
            }
            sums[dy * 3 + dx] += sum;
          }
        }
      }
      finish(grad_x + p * padded, to, padded);
      for (int t = 0; t < 9; ++t) put(grad_filters + p * 9 + t, sums[t]);
    }
  }
}

}  // namespace
