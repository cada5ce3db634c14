// Patch-wise layers of the decoder on a CPU, in float32, one pass per patch.
//
// A patch is the part of a level's map that one cell of the signal (stride 32) owns. For every patch this file
//   1. makes the cell's weights from the signal (the grouped 1x1 convolution "signal to weights"), for a few cells at
//      a time, which share each reading of the generator,
//   2. gathers the patch: coordinates, skip feature, the level below upsampled x2; with a halo where a 3x3 follows,
//   3. runs the stages that the layer has: pointwise products and the depthwise 3x3, batch norms already folded,
//   4. writes the result into the output map.
// Everything between 1 and 4 stays in the cache of one core; no intermediate map is ever written to memory.
//
// Inside a patch, channels are planes and the pixels of a plane lie flat, halo included. Vectors run along the flat
// pixels, so any patch size fills them, weights are broadcast and need no particular layout, and the depthwise 3x3 is
// nine shifted loads. Its last two columns of every row are junk and are skipped on writing.
//
// Plain C++17 with the vector extension of GCC and Clang (one source for AVX-512, AVX2, NEON); called through ctypes.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "vector.h"

namespace {

inline Vec clamp(Vec v, Vec low, Vec high) {
  v = v < low ? low : v;  // this way round a NaN stays one
  return v > high ? high : v;
}
inline int64_t vectors(int64_t n) { return (n + kLanes - 1) / kLanes; }
inline int64_t reflect(int64_t i, int64_t n) { return i < 0 ? -i : (i >= n ? 2 * n - 2 - i : i); }

// R rows of weights times C vectors of pixels, all sums in registers.
template <int R, int C>
inline void tile(const float* weights, int64_t width, const float* x, int64_t plane, const float* bias, Vec low,
                 Vec high, float* out, int64_t out_plane) {
  Vec sum[R][C];
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) sum[r][c] = splat(bias[r]);
  for (int64_t k = 0; k < width; ++k) {
    Vec column[C];
    for (int c = 0; c < C; ++c) column[c] = load(x + k * plane + c * kLanes);
    for (int r = 0; r < R; ++r) {
      const Vec w = splat(weights[r * width + k]);
      for (int c = 0; c < C; ++c) sum[r][c] += w * column[c];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) store(out + r * out_plane + c * kLanes, clamp(sum[r][c], low, high));
}

template <int R>
void band(const float* weights, int64_t width, const float* x, int64_t plane, int64_t count, const float* bias,
          Vec low, Vec high, float* out, int64_t out_plane) {
  int64_t v = 0;
  for (; v + 4 <= count; v += 4)
    tile<R, 4>(weights, width, x + v * kLanes, plane, bias, low, high, out + v * kLanes, out_plane);
  if (count - v >= 2) {
    tile<R, 2>(weights, width, x + v * kLanes, plane, bias, low, high, out + v * kLanes, out_plane);
    v += 2;
  }
  if (v < count) tile<R, 1>(weights, width, x + v * kLanes, plane, bias, low, high, out + v * kLanes, out_plane);
}

// out (rows, count vectors) = clamp(weights (rows, width) x (width, count vectors) + bias)
void pointwise(const float* weights, int64_t rows, int64_t width, const float* x, int64_t plane, int64_t count,
               const float* bias, float low, float high, float* out, int64_t out_plane) {
  const Vec lo = splat(low), hi = splat(high);
  int64_t r = 0;
  for (; r + 6 <= rows; r += 6)
    band<6>(weights + r * width, width, x, plane, count, bias + r, lo, hi, out + r * out_plane, out_plane);
  const float* w = weights + r * width;
  float* o = out + r * out_plane;
  switch (rows - r) {
    case 5: band<5>(w, width, x, plane, count, bias + r, lo, hi, o, out_plane); break;
    case 4: band<4>(w, width, x, plane, count, bias + r, lo, hi, o, out_plane); break;
    case 3: band<3>(w, width, x, plane, count, bias + r, lo, hi, o, out_plane); break;
    case 2: band<2>(w, width, x, plane, count, bias + r, lo, hi, o, out_plane); break;
    case 1: band<1>(w, width, x, plane, count, bias + r, lo, hi, o, out_plane); break;
    default: break;
  }
}

// Valid depthwise 3x3 in place of the flat pixels: out[i] = sum of x[i + dy * row + dx] * weights[dy * 3 + dx].
void depthwise(const float* weights, int64_t channels, const float* x, int64_t plane, int64_t row, int64_t count,
               const float* bias, float high, float* out, int64_t out_plane) {
  const Vec lo = splat(0.f), hi = splat(high);
  for (int64_t c = 0; c < channels; ++c) {
    Vec w[9];
    for (int t = 0; t < 9; ++t) w[t] = splat(weights[c * 9 + t]);
    const float* in = x + c * plane;
    for (int64_t v = 0; v < count; ++v) {
      const float* p = in + v * kLanes;
      Vec top = splat(bias[c]) + w[0] * load(p) + w[1] * load(p + 1) + w[2] * load(p + 2);
      Vec middle = w[3] * load(p + row) + w[4] * load(p + row + 1) + w[5] * load(p + row + 2);
      Vec bottom = w[6] * load(p + 2 * row) + w[7] * load(p + 2 * row + 1) + w[8] * load(p + 2 * row + 2);
      store(out + c * out_plane + v * kLanes, clamp(top + middle + bottom, lo, hi));
    }
  }
}

constexpr int kCells = 4;  // whose weights are made together

// out[cell * out_step + k] = sum over j of signal[j][cell] * matrix (depth, room), for k in [0, count).
void generate(const float* matrix, int64_t depth, int64_t room, int64_t count, const float (*signal)[kCells], float* out,
              int64_t out_step) {
  for (int64_t k = 0; k < count; k += 2 * kLanes) {
    const bool wide = k + kLanes < count;
    Vec sum[kCells][2] = {};
    const float* from = matrix + k;
    for (int64_t j = 0; j < depth; ++j, from += room) {
      const Vec first = load(from), second = load(from + (wide ? kLanes : 0));
      for (int c = 0; c < kCells; ++c) {
        const Vec s = splat(signal[j][c]);
        sum[c][0] += s * first;
        sum[c][1] += s * second;
      }
    }
    for (int c = 0; c < kCells; ++c) {  // past the group's end: overwritten by the next group
      store(out + c * out_step + k, sum[c][0]);
      if (wide) store(out + c * out_step + k + kLanes, sum[c][1]);
    }
  }
}

}  // namespace

extern "C" {

struct PatchwiseLayer {
  // Geometry: (batch, ., cells_y * patch_h, cells_x * patch_w).
  int64_t batch, cells_y, cells_x, patch_h, patch_w;
  // Signal slice, element (b, channel, cell y, cell x), and its strides.
  const float* signal;
  int64_t signal_stride[4];
  // Generator (groups, group_in, group_out padded to whole vectors); the layer's weights are `weights` numbers from `first` on.
  const float* generator;
  int64_t groups, group_in, group_out, first, weights;
  // Input: coordinates (0 or 1), a strided skip feature, the contiguous map below at half the size (or none).
  int64_t coordinates;
  const float* skip;
  int64_t skip_channels, skip_stride[4];
  const float* below;
  int64_t below_channels;
  // Stages. hidden = 0: one pointwise product to `out` channels. expand = 0: the input is the hidden map already.
  int64_t expand, hidden, out, residual;
  const float *bias_expand, *bias_depthwise, *bias_project;
  float hidden_high, out_low, out_high;  // activation bounds
  float* output;                         // (batch, out, height, width), contiguous
};

// Runs one layer on `threads` threads.
void hyperseg_patchwise(const PatchwiseLayer* layer, int threads) {
  const PatchwiseLayer& L = *layer;
  const int64_t halo = L.hidden ? 1 : 0;
  const int64_t height = L.cells_y * L.patch_h, width = L.cells_x * L.patch_w;
  const int64_t rows = L.patch_h + 2 * halo, row = L.patch_w + 2 * halo;
  const int64_t in = 2 * L.coordinates + L.skip_channels + L.below_channels;
  const int64_t patch_vectors = vectors(rows * row), out_vectors = vectors(L.patch_h * row);
  const int64_t plane = (patch_vectors + 1) * kLanes + vectors(2 * row + 2) * kLanes;
  const int64_t out_plane = out_vectors * kLanes;
  const int64_t group_room = vectors(L.group_out) * kLanes;
  const int64_t first_group = L.first / L.group_out;
  const int64_t last_group = (L.first + L.weights - 1) / L.group_out;
  const int64_t weight_room = (last_group - first_group + 1) * L.group_out + 2 * kLanes;
  const int64_t hidden = L.hidden;
  const int64_t below_h = height / 2, below_w = width / 2;
  const int64_t room = kCells * (weight_room + L.group_in) + in * plane + (L.expand ? hidden * plane : 0) +
                       hidden * out_plane + L.out * out_plane + below_w + 64;
  const int64_t cells = L.batch * L.cells_y * L.cells_x;

#pragma omp parallel num_threads(threads)
  {
    static thread_local std::vector<float> scratch;
    if (static_cast<int64_t>(scratch.size()) < room) scratch.assign(room, 0.f);
    float* made = scratch.data();
    auto signal = reinterpret_cast<float(*)[kCells]>(made + kCells * weight_room);
    float* x = made + kCells * (weight_room + L.group_in);
    float* expanded = x + in * plane;
    float* mixed = expanded + (L.expand ? hidden * plane : 0);
    float* result = mixed + hidden * out_plane;
    float* blended = result + L.out * out_plane;

#pragma omp for schedule(dynamic, 1)
    for (int64_t first_cell = 0; first_cell < cells; first_cell += kCells) {
      // 1. The weights of these cells; places past the last cell repeat it.
      const float* from[kCells];
      for (int64_t c = 0; c < kCells; ++c) {
        const int64_t cell = std::min(first_cell + c, cells - 1);
        const int64_t cx = cell % L.cells_x, cy = cell / L.cells_x % L.cells_y, b = cell / (L.cells_x * L.cells_y);
        from[c] = L.signal + b * L.signal_stride[0] + cy * L.signal_stride[2] + cx * L.signal_stride[3];
      }
      for (int64_t g = first_group; g <= last_group; ++g) {
        for (int64_t j = 0; j < L.group_in; ++j)
          for (int64_t c = 0; c < kCells; ++c) signal[j][c] = from[c][(g * L.group_in + j) * L.signal_stride[1]];
        generate(L.generator + g * L.group_in * group_room, L.group_in, group_room, L.group_out, signal,
                 made + (g - first_group) * L.group_out, weight_room);
      }

      for (int64_t cell = first_cell; cell < std::min(first_cell + kCells, cells); ++cell) {
        const int64_t cx = cell % L.cells_x, cy = cell / L.cells_x % L.cells_y, b = cell / (L.cells_x * L.cells_y);
        const float* w = made + (cell - first_cell) * weight_room + L.first - first_group * L.group_out;

        // 2. The patch and its halo.
        const int64_t top = cy * L.patch_h - halo, left = cx * L.patch_w - halo;
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t y = reflect(top + r, height);
          float* to = x + r * row;
          if (L.coordinates) {
            const float vertical = height > 1 ? -1.f + 2.f * y / (height - 1) : -1.f;
            for (int64_t c = 0; c < row; ++c) {
              const int64_t at = reflect(left + c, width);
              to[c] = width > 1 ? -1.f + 2.f * at / (width - 1) : -1.f;
              to[plane + c] = vertical;
            }
            to += 2 * plane;
          }
          const int64_t begin = std::max<int64_t>(left, 0), end = std::min(left + row, width);
          for (int64_t k = 0; k < L.skip_channels; ++k, to += plane) {
            const float* from = L.skip + b * L.skip_stride[0] + k * L.skip_stride[1] + y * L.skip_stride[2];
            const int64_t step = L.skip_stride[3];
            if (step == 1)
              for (int64_t c = begin; c < end; ++c) to[c - left] = from[c];
            else
              for (int64_t c = begin; c < end; ++c) to[c - left] = from[c * step];
            if (begin > left) to[0] = from[step];
            if (end < left + row) to[row - 1] = from[(width - 2) * step];
          }
          if (L.below_channels) {
            // Bilinear x2, align_corners=False: even positions 1/4, 3/4; odd positions 3/4, 1/4; clamped at the border.
            const int64_t y0 = std::max<int64_t>((y - 1) >> 1, 0), y1 = std::min((y + 1) >> 1, below_h - 1);
            const float wy = (y & 1) ? 0.25f : 0.75f;  // weight of y1
            const int64_t x0 = std::max<int64_t>((begin - 1) >> 1, 0), x1 = std::min(end >> 1, below_w - 1);
            for (int64_t k = 0; k < L.below_channels; ++k, to += plane) {
              const float* map = L.below + (b * L.below_channels + k) * below_h * below_w;
              const float *upper = map + y0 * below_w, *lower = map + y1 * below_w;
              float* line = blended + 1;  // line[i] holds column x0 + i; one column repeated on each side
              const int64_t n = x1 - x0 + 1;
              for (int64_t i = 0; i < n; ++i) line[i] = upper[x0 + i] + wy * (lower[x0 + i] - upper[x0 + i]);
              line[-1] = line[0];
              line[n] = line[n - 1];
              // Pairs (odd 2i+1, even 2i+2) share the columns i and i+1.
              for (int64_t c = begin; c < end; ++c) {
                const int64_t i = ((c + 1) >> 1) - 1 - x0;
                const float weight = (c & 1) ? 0.25f : 0.75f;
                to[c - left] = line[i] + weight * (line[i + 1] - line[i]);
              }
              if (begin > left) to[0] = to[2];
              if (end < left + row) to[row - 1] = to[row - 3];
            }
          }
        }

        // 3. The stages.
        if (!hidden) {
          pointwise(w, L.out, in, x, plane, patch_vectors, L.bias_project, L.out_low, L.out_high, result, out_plane);
        } else {
          const float* h = x;
          if (L.expand) {
            pointwise(w, hidden, in, x, plane, patch_vectors, L.bias_expand, 0.f, L.hidden_high, expanded, plane);
            w += hidden * in;
            h = expanded;
          }
          depthwise(w, hidden, h, plane, row, out_vectors, L.bias_depthwise, L.hidden_high, mixed, out_plane);
          w += hidden * 9;
          pointwise(w, L.out, hidden, mixed, out_plane, out_vectors, L.bias_project, L.out_low, L.out_high, result,
                    out_plane);
        }

        // 4. Out.
        for (int64_t k = 0; k < L.out; ++k) {
          float* map = L.output + ((b * L.out + k) * height + cy * L.patch_h) * width + cx * L.patch_w;
          for (int64_t r = 0; r < L.patch_h; ++r) {
            const float* from = result + k * out_plane + r * row;
            const float* kept = x + k * plane + (r + halo) * row + halo;
            float* to = map + r * width;
            if (L.residual)
              for (int64_t c = 0; c < L.patch_w; ++c) to[c] = from[c] + kept[c];
            else
              for (int64_t c = 0; c < L.patch_w; ++c) to[c] = from[c];
          }
        }
      }
    }
  }
}

// Bilinear x2 (align_corners=False) of `planes` contiguous planes.
void hyperseg_upsample2(const float* in, int64_t planes, int64_t height, int64_t width, float* out, int threads) {
#pragma omp parallel num_threads(threads)
  {
    static thread_local std::vector<float> scratch;
    if (static_cast<int64_t>(scratch.size()) < width + 2) scratch.resize(width + 2);
    float* line = scratch.data() + 1;
#pragma omp for collapse(2) schedule(static)
    for (int64_t p = 0; p < planes; ++p)
      for (int64_t y = 0; y < 2 * height; ++y) {
        const int64_t y0 = std::max<int64_t>((y - 1) >> 1, 0), y1 = std::min((y + 1) >> 1, height - 1);
        const float wy = (y & 1) ? 0.25f : 0.75f;
        const float *upper = in + (p * height + y0) * width, *lower = in + (p * height + y1) * width;
        for (int64_t i = 0; i < width; ++i) line[i] = upper[i] + wy * (lower[i] - upper[i]);
        line[-1] = line[0];
        line[width] = line[width - 1];
        float* to = out + (p * 2 * height + y) * 2 * width;
        for (int64_t i = 0; i < width; ++i) {
          to[2 * i] = 0.25f * line[i - 1] + 0.75f * line[i];
          to[2 * i + 1] = 0.75f * line[i] + 0.25f * line[i + 1];
        }
      }
  }
}
}
