// The decoder's maps in training: patches with a halo, and bilinear upsampling by two; in planes, with gradients.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "border.h"
#include "planes.h"

namespace {

// A map (batch, channels, rows * height, columns * width) cut into patches (batch, rows, columns, channels, height + 2,
// width + 2): a halo of one pixel, reflected at the map's border.
struct Cut {
  int64_t batch, channels, rows, columns, height, width;
};

template <class T>
void split(const Cut& s, const T* map, T* patches, int threads) {
  const int64_t h = s.height, w = s.width, map_h = s.rows * h, map_w = s.columns * w;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t n = 0; n < s.batch * s.rows * s.columns; ++n) {
    const int64_t b = n / (s.rows * s.columns), top = n / s.columns % s.rows * h - 1, left = n % s.columns * w;
    const int64_t before = reflect(left - 1, map_w), after = reflect(left + w, map_w);
    T* to = patches + n * s.channels * (h + 2) * (w + 2);
    for (int64_t c = 0; c < s.channels; ++c)
      for (int64_t r = 0; r < h + 2; ++r, to += w + 2) {
        const T* line = map + ((b * s.channels + c) * map_h + reflect(top + r, map_h)) * map_w;
        to[0] = line[before];
        std::copy_n(line + left, w, to + 1);
        to[w + 1] = line[after];
      }
  }
}

// The map's gradient: a pixel gets that of every patch which holds it.
template <class T>
void split_backward(const Cut& s, const T* grad, T* grad_map, int threads) {
  const int64_t h = s.height, w = s.width, map_h = s.rows * h, map_w = s.columns * w;
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> room(map_h * map_w);
#pragma omp for schedule(static)
    for (int64_t p = 0; p < s.batch * s.channels; ++p) {
      float* plane = target(grad_map + p * map_h * map_w, room.data());
      std::fill_n(plane, map_h * map_w, 0.f);
      for (int64_t i = 0; i < s.rows; ++i)
        for (int64_t j = 0; j < s.columns; ++j) {
          const int64_t n = (p / s.channels * s.rows + i) * s.columns + j, left = j * w;
          const int64_t before = reflect(left - 1, map_w), after = reflect(left + w, map_w);
          const T* from = grad + (n * s.channels + p % s.channels) * (h + 2) * (w + 2);
          for (int64_t r = 0; r < h + 2; ++r, from += w + 2) {
            float* line = plane + reflect(i * h - 1 + r, map_h) * map_w;
            line[before] += widen(from[0]);
            for (int64_t x = 0; x < w; ++x) line[left + x] += widen(from[1 + x]);
            line[after] += widen(from[w + 1]);
          }
        }
      finish(grad_map + p * map_h * map_w, plane, map_h * map_w);
    }
  }
}

// The gradient of planes (height, width) that were upsampled to twice their size, bilinearly between pixel centres.
template <class T>
void upsample2_backward(int64_t planes, int64_t height, int64_t width, const T* grad, T* grad_x, int threads) {
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> mixed(2 * width + 2);
    float* line = mixed.data() + 1;
#pragma omp for schedule(static)
    for (int64_t row = 0; row < planes * height; ++row) {
      const int64_t y = row % height;
      const T *near = grad + row * 4 * width, *next = near + 2 * width;
      const T *above = y > 0 ? near - 2 * width : near, *below = y + 1 < height ? next + 2 * width : next;
      for (int64_t x = 0; x < 2 * width; ++x)
        line[x] = 0.75f * (widen(near[x]) + widen(next[x])) + 0.25f * (widen(above[x]) + widen(below[x]));
      line[-1] = line[0], line[2 * width] = line[2 * width - 1];
      for (int64_t x = 0; x < width; ++x)
        put(grad_x + row * width + x,
            0.75f * (line[2 * x] + line[2 * x + 1]) + 0.25f * (line[2 * x - 1] + line[2 * x + 2]));
    }
  }
}

}  // namespace
