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

#include "gather.h"
#include "vector.h"

namespace {

inline Vec clamp(Vec v, Vec low, Vec high) { return at_most(at_least(v, low), high); }

// Rows of weights and vectors of pixels of one register tile.
constexpr int64_t kRows = 6;
#ifdef HYPERSEG_AVX512
constexpr int64_t kColumns = 4;
#else
constexpr int64_t kColumns = 1;
#endif

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

// `work(first, now)` for all of `count`, at most `most` at a time and as evenly as can be: 6 of at most 4 are 3 and 3.
template <int64_t most, typename Work>
inline void in_even_parts(int64_t count, const Work& work) {
  if (count <= most) return work(int64_t{0}, count);
  const int64_t parts = (count + most - 1) / most, least = count / parts, larger = count % parts;
  for (int64_t part = 0, first = 0; part < parts; ++part) {
    const int64_t now = least + (part < larger);
    work(first, now);
    first += now;
  }
}

template <int R>
void band(const float* weights, int64_t width, const float* x, int64_t plane, int64_t count, const float* bias,
          Vec low, Vec high, float* out, int64_t out_plane) {
  in_even_parts<kColumns>(count, [&](int64_t first, int64_t now) {
    const float* from = x + first * kLanes;
    float* to = out + first * kLanes;
    if constexpr (kColumns > 1) {
      if (now == 4) return tile<R, 4>(weights, width, from, plane, bias, low, high, to, out_plane);
      if (now == 3) return tile<R, 3>(weights, width, from, plane, bias, low, high, to, out_plane);
      if (now == 2) return tile<R, 2>(weights, width, from, plane, bias, low, high, to, out_plane);
    }
    tile<R, 1>(weights, width, from, plane, bias, low, high, to, out_plane);
  });
}

// out (rows, count vectors) = clamp(weights (rows, width) x (width, count vectors) + bias), for up to kRows rows.
void few_rows(int64_t rows, const float* weights, int64_t width, const float* x, int64_t plane, int64_t count,
              const float* bias, Vec low, Vec high, float* out, int64_t out_plane) {
  switch (rows) {
    case 6: return band<6>(weights, width, x, plane, count, bias, low, high, out, out_plane);
    case 5: return band<5>(weights, width, x, plane, count, bias, low, high, out, out_plane);
    case 4: return band<4>(weights, width, x, plane, count, bias, low, high, out, out_plane);
    case 3: return band<3>(weights, width, x, plane, count, bias, low, high, out, out_plane);
    case 2: return band<2>(weights, width, x, plane, count, bias, low, high, out, out_plane);
    default: return band<1>(weights, width, x, plane, count, bias, low, high, out, out_plane);
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
  int64_t streamed;                      // whether it goes past the caches
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
  const int64_t room = kCells * (weight_room + L.group_in) + in * plane + (L.expand ? kRows * plane : 0) +
                       hidden * out_plane + L.out * out_plane + 64;
  const int64_t cells = L.batch * L.cells_y * L.cells_x;
  const bool streams = L.streamed && L.patch_w % kLanes == 0 && aligned(L.output);

#pragma omp parallel num_threads(threads)
  {
    static thread_local std::vector<float> scratch;
    if (static_cast<int64_t>(scratch.size()) < room) scratch.assign(room, 0.f);
    float* made = scratch.data();
    auto signal = reinterpret_cast<float(*)[kCells]>(made + kCells * weight_room);
    float* x = made + kCells * (weight_room + L.group_in);
    float* expanded = x + in * plane;
    float* mixed = expanded + (L.expand ? kRows * plane : 0);
    float* result = mixed + hidden * out_plane;

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
        const Columns columns{cx * L.patch_w - halo, row, width};
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t y = reflect(cy * L.patch_h - halo + r, height);
          float* to = x + r * row;
          if (L.coordinates) put_coordinates(columns, y, height, to, plane);
          to += 2 * L.coordinates * plane;
          const float* skip = L.skip + b * L.skip_stride[0] + y * L.skip_stride[2];
          put_row(columns, skip, L.skip_channels, L.skip_stride[1], L.skip_stride[3], to, plane);
          to += L.skip_channels * plane;
          const float* below = L.below + b * L.below_channels * below_h * below_w;
          for (int64_t k = 0; k < L.below_channels; ++k, to += plane)
            put_upsampled(columns, below + k * below_h * below_w, below_h, y, to);
        }

        // 3. The stages.
        const float* y = x;
        int64_t y_plane = plane, y_vectors = patch_vectors, depth = in;
        if (hidden) {  // a few hidden channels at a time, which stay in the nearest cache
          const float* filters = w + (L.expand ? hidden * in : 0);
          in_even_parts<kRows>(hidden, [&](int64_t first, int64_t now) {
            if (L.expand)
              few_rows(now, w + first * in, in, x, plane, patch_vectors, L.bias_expand + first, splat(0.f),
                       splat(L.hidden_high), expanded, plane);
            depthwise(filters + first * 9, now, L.expand ? expanded : x + first * plane, plane, row, out_vectors,
                      L.bias_depthwise + first, L.hidden_high, mixed + first * out_plane, out_plane);
          });
          w = filters + hidden * 9;
          y = mixed;
          y_plane = out_plane;
          y_vectors = out_vectors;
          depth = hidden;
        }
        in_even_parts<kRows>(L.out, [&](int64_t first, int64_t now) {
          few_rows(now, w + first * depth, depth, y, y_plane, y_vectors, L.bias_project + first, splat(L.out_low),
                   splat(L.out_high), result + first * out_plane, out_plane);
        });

        // 4. Out.
        for (int64_t k = 0; k < L.out; ++k) {
          float* map = L.output + ((b * L.out + k) * height + cy * L.patch_h) * width + cx * L.patch_w;
          for (int64_t r = 0; r < L.patch_h; ++r) {
            const float* from = result + k * out_plane + r * row;
            const float* kept = x + k * plane + (r + halo) * row + halo;
            float* to = map + r * width;
            for (int64_t c = 0; c < L.patch_w; c += kLanes) {
              const Vec v = L.residual ? load(from + c) + load(kept + c) : load(from + c);
              streams ? stream(to + c, v) : store_first(to + c, v, L.patch_w - c);
            }
          }
        }
      }
    }
    finish_streams();
  }
}

// Bilinear x2 (align_corners=False) of `planes` contiguous planes.
void hyperseg_upsample2(const float* in, int64_t planes, int64_t height, int64_t width, float* out, int threads) {
  const bool whole_vectors = width % kLanes == 0 && aligned(out);
  const Vec near = splat(0.75f), far = splat(0.25f);
#pragma omp parallel num_threads(threads)
  {
    static thread_local std::vector<float> scratch;
    if (static_cast<int64_t>(scratch.size()) < width + 2 * kLanes) scratch.resize(width + 2 * kLanes);
    float* line = scratch.data() + kLanes;
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
        for (int64_t i = 0; i < width; i += kLanes) {
          const Vec here = load(line + i);
          Vec even = far * load(line + i - 1) + near * here, odd = near * here + far * load(line + i + 1);
          interleave(even, odd);
          if (whole_vectors) {
            stream(to + 2 * i, even);
            stream(to + 2 * i + kLanes, odd);
          } else {
            store_first(to + 2 * i, even, 2 * (width - i));
            store_first(to + 2 * i + kLanes, odd, std::max<int64_t>(2 * (width - i) - kLanes, 0));
          }
        }
      }
    finish_streams();
  }
}
}
