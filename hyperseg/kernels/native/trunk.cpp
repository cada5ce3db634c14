// The backbone's blocks on a CPU: one call per inverted residual block, for float32 and bfloat16.
//
// Block: [expansion 1x1, activation,] depthwise k x k, activation, [squeeze-excitation,] projection 1x1 [, residual].
//   1. Tasks of one channel group (32 channels) and a band of output rows expand row by row into a ring of k rows that
//      stays in the core's cache, and convolve it depthwise at once: the expanded map never exists in memory.
//   2. The gates of squeeze-excitation scale the projection's weights instead of the map.
//   3. The projection reads the depthwise result once and adds bias and residual as it writes.
// The first block's "expansion" is the stem, a strided convolution of the image; a block without one copies its input.
//
// Maps between blocks are float32, channels last. In bfloat16 a rounded copy of a map feeds the products (AMX tiles or AVX-512);
// sums, activations, the depthwise convolution and the residual stream stay in float32.
//
// Plain C++17 with the vector extension of GCC and Clang; called through ctypes.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "activation.h"
#include "product.h"
#include "rows.h"

namespace {

enum Source : int64_t { kImage = 0, kCopy = 1, kExpand = 2 };

}  // namespace

extern "C" {

struct TrunkBlock {
  int64_t batch, source, half, activation;
  // What enters the depthwise convolution: (height, width) with `mid` channels, a multiple of 16.
  int64_t height, width, mid;
  // The input map, channels last (source Copy and Expand; in bfloat16 for an expansion in it), or the image, planar.
  const float* x;
  const Half* x_half;  // channels padded to 32 with zeros
  int64_t in;
  // Source Image: its size, the stem's kernel, stride and lines before; each value times `scale` plus `shift`.
  int64_t image_h, image_w, stem_kernel, stem_stride, stem_before;
  float scale[3], shift[3];
  const void* expand;  // (mid / 16, in, 16), or tiles; source Image: (mid / 16, 3 * kernel * kernel, 16) in float32
  const float* expand_bias;
  // Depthwise: filters (mid / 16, kernel, kernel, 16), zero lines `before` the map; gives (out_h, out_w).
  int64_t kernel, stride, before, out_h, out_w;
  const float *depthwise, *depthwise_bias;
  // Squeeze-excitation: (squeezed, mid) both, and biases; squeezed = 0: none.
  int64_t squeezed;
  const float *squeeze, *squeeze_bias, *excite, *excite_bias;
  // Projection in float32, packed as its precision wants, to `out` channels; `out_blocks` blocks of 16.
  const float *project, *project_bias;
  int64_t out, out_blocks, residual;
  void* scaled;    // room for the projection's weights in its precision
  void* mixed;     // room for the depthwise result: (mid / 32, out_h * out_w + 32, 32)
  float* partial;  // room for sums: (bands, mid) + 2 * mid + squeezed
  int64_t band;    // output rows of one task
  float* y;        // (batch, out_h, out_w, out)
  Half* y_half;    // the same rounded, `out` padded to 32; null: not wanted
};

// A 1x1 convolution of a map, channels last: pixels (float32, or rounded with channels padded to 32) to `out` channels.
struct TrunkPointwise {
  int64_t pixels, in, out, out_blocks, half, activation;
  const float* x;
  const Half* x_half;
  const void* weights;
  const float* bias;
  float* y;
  Half* y_half;
};

}  // extern "C"

namespace {

// Bias, residual and activation, then the float32 map and its rounded copy.
template <Activation kKind>
struct Writer {
  const float* bias;
  const float* residual;
  int64_t out;
  float* y;
  Half* y_half;
  int64_t half_step;

  inline void operator()(int64_t pixel, int64_t block, Vec v) const {
    const int64_t channel = block * kLanes;
    v += load(bias + channel);
    if (residual) v += load(residual + pixel * out + channel);  // past the last channel: read, never written
    v = activate<kKind, true>(v);
    const int64_t valid = std::min(out - channel, kLanes);
    if (valid > 0) store_first(y + pixel * out + channel, v, valid);
    if (y_half) store_half(y_half + pixel * half_step + channel, keep_first(v, valid));
  }
};

template <typename T>
inline void put_mixed(T* to, Vec v);
template <>
inline void put_mixed<float>(float* to, Vec v) { store(to, v); }
#ifdef HYPERSEG_BF16
template <>
inline void put_mixed<Half>(Half* to, Vec v) { store_half(to, v); }
#endif

inline Operand<float> input_row(const TrunkBlock& L, int64_t image, int64_t y, const float*) {
  return {L.x + (image * L.height + y) * L.width * L.in, L.in, kGroup};
}
inline Operand<Half> input_row(const TrunkBlock& L, int64_t image, int64_t y, const Half*) {
  return {L.x_half + (image * L.height + y) * L.width * padded(L.in), padded(L.in), kGroup};
}

// The rows of one task, as they enter the depthwise convolution: a ring of `kernel` rows for each of two blocks.
template <typename T, Activation kKind>
class Ring {
  static constexpr bool kExact = sizeof(T) == 4;

 public:
  Ring(const TrunkBlock& layer, int64_t image, int64_t group, std::vector<float>& room)
      : L(layer), image_(image), first_(2 * group), count_(std::min<int64_t>(blocks(L.mid) - 2 * group, 2)) {
    length_ = (L.before + L.width + L.kernel + 3 * L.stride) * kLanes;
    padded_ = L.image_w + 2 * L.stem_kernel;
    const int64_t rows = 2 * L.kernel + 1, image_rows = L.source == kImage ? 3 * L.stem_kernel : 0;
    const size_t size = rows * length_ + image_rows * padded_;
    if (room.size() < size) room.resize(size);
    data_ = room.data();
    for (int64_t r = 0; r < rows; ++r) {  // what lies beside the map
      float *line = data_ + r * length_, *right = line + (L.before + L.width) * kLanes;
      std::fill(line, line + L.before * kLanes, 0.f);
      std::fill(right, line + length_, 0.f);
    }
    zeros_ = data_ + 2 * L.kernel * length_;
    padded_image_ = zeros_ + length_;
    std::fill(zeros_, zeros_ + length_, 0.f);
    std::fill(padded_image_, padded_image_ + image_rows * padded_, 0.f);
  }

  int64_t count() const { return count_; }

  const float* row(int64_t block, int64_t y) const {
    return y < 0 || y >= L.height ? zeros_ : slot(block, y);
  }

  void fill(int64_t y) {
    const int64_t left = L.before * kLanes;
    if (L.source == kImage) return stem(y);
    if (L.source == kCopy) {
      for (int64_t b = 0; b < count_; ++b) {
        const int64_t channel = (first_ + b) * kLanes, valid = std::min(L.in - channel, kLanes);
        const float* from = L.x + (image_ * L.height + y) * L.width * L.in + channel;
        float* to = slot(b, y) + left;
        for (int64_t i = 0; i < L.width; ++i) store(to + i * kLanes, keep_first(load(from + i * L.in), valid));
      }
      return;
    }
    float* const to[2] = {slot(0, y) + left, slot(1, y) + left};
    const float* bias = L.expand_bias;
    const int64_t first = first_;
    const auto sink = [&](int64_t pixel, int64_t block, Vec v) {
      store(to[block - first] + pixel * kLanes, activate<kKind, kExact>(v + load(bias + block * kLanes)));
    };
    const T* weights = static_cast<const T*>(L.expand);
    product(input_row(L, image_, y, weights), 0, L.width, weights, depth_of<T>(L.in), first_, first_ + count_, sink);
  }

 private:
  float* slot(int64_t block, int64_t y) const { return data_ + (block * L.kernel + y % L.kernel) * length_; }

  void stem(int64_t y) {
    const int64_t k = L.stem_kernel, plane = k * padded_;
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t dy = 0; dy < k; ++dy) {
        const int64_t from_y = y * L.stem_stride - L.stem_before + dy;
        float* to = padded_image_ + c * plane + dy * padded_ + L.stem_before;
        if (from_y < 0 || from_y >= L.image_h) {
          std::fill(to, to + L.image_w, 0.f);
          continue;
        }
        const float* from = L.x + ((image_ * 3 + c) * L.image_h + from_y) * L.image_w;
        for (int64_t i = 0; i < L.image_w; ++i) to[i] = from[i] * L.scale[c] + L.shift[c];
      }
    for (int64_t b = 0; b < count_; ++b) {
      float* to = slot(b, y) + L.before * kLanes;
      const float* weights = static_cast<const float*>(L.expand) + (first_ + b) * 3 * k * k * kLanes;
      const Vec bias = load(L.expand_bias + (first_ + b) * kLanes);
      const auto sink = [&](int64_t column, Vec v) { store(to + column * kLanes, activate<kKind, kExact>(v)); };
      int64_t i = 0;
      for (; i + 8 <= L.width; i += 8)
        stem_at<8>(padded_image_, plane, padded_, weights, k, L.stem_stride, bias, i, sink);
      for (; i < L.width; ++i) stem_at<1>(padded_image_, plane, padded_, weights, k, L.stem_stride, bias, i, sink);
    }
  }

  const TrunkBlock& L;
  int64_t image_, first_, count_, length_, padded_;
  float *data_, *zeros_, *padded_image_;
};

// Step 1 for output rows [begin, end) of one group.
template <typename T, Activation kKind, int K, int S>
void expand_and_mix(const TrunkBlock& L, int64_t image, int64_t group, int64_t begin, int64_t end, float* sums) {
  static thread_local std::vector<float> room;
  Ring<T, kKind> ring(L, image, group, room);
  const int64_t pixels = L.out_h * L.out_w;
  T* mixed = static_cast<T*>(L.mixed) + group * (pixels + kGroup) * kGroup;
  Vec sum[2] = {};
  int64_t next = std::max<int64_t>(begin * S - L.before, 0);
  for (int64_t y = begin; y < end; ++y) {
    const int64_t top = y * S - L.before;
    for (const int64_t last = std::min(top + K, L.height); next < last; ++next) ring.fill(next);
    for (int64_t b = 0; b < ring.count(); ++b) {
      const float* rows[K];
      for (int64_t dy = 0; dy < K; ++dy) rows[dy] = ring.row(b, top + dy);
      const int64_t block = 2 * group + b;
      T* to = mixed + y * L.out_w * kGroup + b * kLanes;
      Vec total = sum[b];
      depthwise_row<K, S>(rows, L.depthwise + block * K * K * kLanes, load(L.depthwise_bias + block * kLanes), L.out_w,
                          [&](int64_t column, Vec v) {
                            v = activate<kKind, sizeof(T) == 4>(v);
                            total += v;
                            put_mixed<T>(to + column * kGroup, v);
                          });
      sum[b] = total;
    }
    if (ring.count() == 1 && sizeof(T) == 2) {  // products in bfloat16 read whole groups
      T* to = mixed + y * L.out_w * kGroup + kLanes;
      for (int64_t i = 0; i < L.out_w; ++i) std::memset(to + i * kGroup, 0, kLanes * sizeof(T));
    }
  }
  for (int64_t b = 0; b < ring.count(); ++b) store(sums + (2 * group + b) * kLanes, sum[b]);
}

using Mix = void (*)(const TrunkBlock&, int64_t, int64_t, int64_t, int64_t, float*);

template <typename T, Activation kKind>
Mix choose_kernel(const TrunkBlock& L) {
  if (L.kernel == 3) return L.stride == 1 ? expand_and_mix<T, kKind, 3, 1> : expand_and_mix<T, kKind, 3, 2>;
  return L.stride == 1 ? expand_and_mix<T, kKind, 5, 1> : expand_and_mix<T, kKind, 5, 2>;
}

template <typename T>
Mix choose_mix(const TrunkBlock& L) {
  if (L.activation == kSwish) return choose_kernel<T, kSwish>(L);
  return L.activation == kRelu ? choose_kernel<T, kRelu>(L) : choose_kernel<T, kRelu6>(L);
}

// Step 2a: the gates from the sums of all bands.
void excite(const TrunkBlock& L, int64_t bands, const float* partial, float* mean, float* hidden, float* gates) {
  const Vec factor = splat(1.f / (L.out_h * L.out_w));
  for (int64_t c = 0; c < L.mid; c += kLanes) {
    Vec sum = {};
    for (int64_t b = 0; b < bands; ++b) sum += load(partial + b * L.mid + c);
    store(mean + c, sum * factor);
  }
  for (int64_t h = 0; h < L.squeezed; ++h) {
    Vec sum = {};
    for (int64_t c = 0; c < L.mid; c += kLanes) sum += load(L.squeeze + h * L.mid + c) * load(mean + c);
    const Vec v = splat(L.squeeze_bias[h] + total(sum));
    hidden[h] = lane(L.activation == kSwish ? activate<kSwish, true>(v) : activate<kRelu, true>(v), 0);
  }
  for (int64_t c = 0; c < L.mid; c += kLanes) {
    Vec sum = load(L.excite_bias + c);
    for (int64_t h = 0; h < L.squeezed; ++h) sum += splat(hidden[h]) * load(L.excite + h * L.mid + c);
    store(gates + c, sigmoid<true>(sum));
  }
}

// Step 2b: one block of the projection's weights, scaled, in its precision.
inline void scale_block(const TrunkBlock& L, int64_t block, const float* gates, float*) {
  const int64_t first = block * L.mid * kLanes;
  float* to = static_cast<float*>(L.scaled) + first;
  for (int64_t k = 0; k < L.mid; ++k)
    store(to + k * kLanes, load(L.project + first + k * kLanes) * splat(gates ? gates[k] : 1.f));
}
#ifdef HYPERSEG_BF16
inline void scale_block(const TrunkBlock& L, int64_t block, const float* gates, Half*) {
  const int64_t depth = padded(L.mid), first = block * depth * kLanes;
  Half* to = static_cast<Half*>(L.scaled) + first;
  for (int64_t pair = 0; pair < depth / 2; ++pair) {
    Vec gate = splat(1.f);
    if (gates)
      for (int64_t i = 0; i < kLanes; ++i) gate[i] = 2 * pair < L.mid ? gates[2 * pair + (i & 1)] : 0.f;
    for (int64_t half = 0; half < 2; ++half) {
      const int64_t at = (2 * pair + half) * kLanes;
      store_half(to + at, load(L.project + first + at) * gate);
    }
  }
}
#endif

constexpr int64_t kPixelChunk = 96, kBlockChunk = 6;  // of one task of a product

template <typename T>
void run_block(const TrunkBlock& L, int threads) {
  const int64_t pixels = L.out_h * L.out_w, groups = (blocks(L.mid) + 1) / 2;
  const int64_t bands = (L.out_h + L.band - 1) / L.band;
  const int64_t half_step = (L.out + kGroup - 1) / kGroup * kGroup;
  float* mean = L.partial + bands * L.mid;
  float* gates = mean + L.mid;
  float* hidden = gates + L.mid;
  const Mix mix = choose_mix<T>(L);
#pragma omp parallel num_threads(threads)
  {
    const TileScope tiles(sizeof(T) == 2);
    for (int64_t image = 0; image < L.batch; ++image) {
#pragma omp for collapse(2) schedule(static)
      for (int64_t band = 0; band < bands; ++band)
        for (int64_t group = 0; group < groups; ++group)
          mix(L, image, group, band * L.band, std::min((band + 1) * L.band, L.out_h), L.partial + band * L.mid);
      if (L.squeezed) {
#pragma omp single
        excite(L, bands, L.partial, mean, hidden, gates);
      }
      if (L.squeezed || image == 0) {
#pragma omp for schedule(static)
        for (int64_t block = 0; block < L.out_blocks; ++block)
          scale_block(L, block, L.squeezed ? gates : nullptr, static_cast<T*>(nullptr));
      }
      const Operand<T> a{static_cast<const T*>(L.mixed), kGroup, (pixels + kGroup) * kGroup};
      const int64_t at = image * pixels;
      const Writer<kNone> writer{L.project_bias,
                          L.residual ? L.x + at * L.out : nullptr,
                          L.out,
                          L.y + at * L.out,
                          L.y_half ? L.y_half + at * half_step : nullptr,
                          half_step};
#pragma omp for collapse(2) schedule(static)
      for (int64_t p = 0; p < pixels; p += kPixelChunk)
        for (int64_t b = 0; b < L.out_blocks; b += kBlockChunk)
          product(a, p, std::min(p + kPixelChunk, pixels), static_cast<const T*>(L.scaled), depth_of<T>(L.mid), b,
                  std::min(b + kBlockChunk, L.out_blocks), writer);
    }
  }
}

template <Activation kKind>
void run_pointwise(const TrunkPointwise& L, int threads) {
  const Writer<kKind> writer{L.bias, nullptr, L.out, L.y, L.y_half, padded(L.out)};
#pragma omp parallel num_threads(threads)
  {
    const TileScope tiles(L.half);
#pragma omp for collapse(2) schedule(static)
    for (int64_t p = 0; p < L.pixels; p += kPixelChunk)
      for (int64_t b = 0; b < L.out_blocks; b += kBlockChunk) {
        const int64_t end = std::min(p + kPixelChunk, L.pixels), last = std::min(b + kBlockChunk, L.out_blocks);
#ifdef HYPERSEG_BF16
        if (L.half) {
          const Operand<Half> a{L.x_half, padded(L.in), kGroup};
          product(a, p, end, static_cast<const Half*>(L.weights), padded(L.in), b, last, writer);
          continue;
        }
#endif
        const Operand<float> a{L.x, L.in, kGroup};
        product(a, p, end, static_cast<const float*>(L.weights), L.in, b, last, writer);
      }
  }
}

}  // namespace

extern "C" {

void hyperseg_trunk_block(const TrunkBlock* layer, int threads) {
#ifdef HYPERSEG_BF16
  if (layer->half) return run_block<Half>(*layer, threads);
#endif
  run_block<float>(*layer, threads);
}

void hyperseg_trunk_pointwise(const TrunkPointwise* layer, int threads) {
  switch (layer->activation) {
    case kSwish: return run_pointwise<kSwish>(*layer, threads);
    case kRelu: return run_pointwise<kRelu>(*layer, threads);
    case kRelu6: return run_pointwise<kRelu6>(*layer, threads);
    default: return run_pointwise<kNone>(*layer, threads);
  }
}

// Whether this build and this machine run products in bfloat16; asks the system for the right to use its tiles.
int hyperseg_trunk_has_half() { return has_half(); }
}
