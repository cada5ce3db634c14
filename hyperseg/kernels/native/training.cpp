// Kernels of a training step on a CPU: the backbone's on channels-last maps, and the decoder's on patches.
//
// Maps are float32 or, where `half` is set, bfloat16; parameters, statistics and all sums are float32 or wider. Work is
// cut into pieces whose size depends on the shapes alone, and their sums are added in order: the result is the same for
// any number of threads, and every time.

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "depthwise.h"
#include "norm.h"
#include "patches.h"
#include "planes.h"

namespace {

// `run(map)` with a null pointer to the maps' numbers, which says their type.
template <class F>
inline void by_type(int half, F run) {
  half ? run(static_cast<Half*>(nullptr)) : run(static_cast<float*>(nullptr));
}

// The sum over `pixels` of grad * x.
template <class T>
void gate_sums(int64_t batch, int64_t pixels, int64_t channels, const T* x, const T* grad, float* grad_gate,
               int threads) {
  constexpr int64_t kRows = 64;
  const int64_t strips = (pixels + kRows - 1) / kRows;
  std::vector<float> parts(batch * strips * channels);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t piece = 0; piece < batch * strips; ++piece) {
    const int64_t b = piece / strips, first = piece % strips * kRows, last = std::min(first + kRows, pixels);
    vectors(channels, [&](int64_t c, auto n) {
      Vec sum = {};
      for (int64_t r = b * pixels + first; r < b * pixels + last; ++r)
        sum += load(grad + r * channels + c, n) * load(x + r * channels + c, n);
      store(parts.data() + piece * channels + c, sum, n);
    });
  }
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t c = 0; c < channels; ++c) {
      double total = 0;
      for (int64_t s = 0; s < strips; ++s) total += parts[(b * strips + s) * channels + c];
      grad_gate[b * channels + c] = total;
    }
}

// out = grad * gate + shift, with a gate and a shift (batch, channels).
template <class T>
void gate_maps(int64_t batch, int64_t pixels, int64_t channels, const T* grad, const float* gate, const float* shift,
               T* out, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < batch * pixels; ++r) {
    const float *factor = gate + r / pixels * channels, *term = shift + r / pixels * channels;
    vectors(channels, [&](int64_t c, auto n) {
      store(out + r * channels + c, load(grad + r * channels + c, n) * load(factor + c, n) + load(term + c, n), n);
    });
  }
}

}  // namespace

extern "C" {

// Batch norm over the batch and activation; updates the running statistics.
void hyperseg_norm(const NormMap* m, const void* x, const float* weight, const float* bias, float* running_mean,
                   float* running_var, void* out, float* mean, float* invstd) {
  by_type(m->half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto run = m->activation == kSwish   ? norm_forward<kSwish, T>
                     : m->activation == kRelu  ? norm_forward<kRelu, T>
                     : m->activation == kRelu6 ? norm_forward<kRelu6, T>
                                               : norm_forward<kNone, T>;
    run(*m, static_cast<const T*>(x), weight, bias, running_mean, running_var, static_cast<T*>(out), mean, invstd);
  });
}

void hyperseg_norm_backward(const NormMap* m, const void* x, const float* weight, const float* bias, const float* mean,
                            const float* invstd, const void* grad, void* grad_x, float* grad_weight,
                            float* grad_bias) {
  by_type(m->half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto run = m->activation == kSwish   ? norm_backward<kSwish, T>
                     : m->activation == kRelu  ? norm_backward<kRelu, T>
                     : m->activation == kRelu6 ? norm_backward<kRelu6, T>
                                               : norm_backward<kNone, T>;
    run(*m, static_cast<const T*>(x), weight, bias, mean, invstd, static_cast<const T*>(grad), static_cast<T*>(grad_x),
        grad_weight, grad_bias);
  });
}

// Depthwise convolution of channels-last maps, kernel 3 or 5, stride 1 or 2.
void hyperseg_maps(const int64_t* shape, int64_t kernel, const void* x, const float* filters, void* out, int half,
                   int threads) {
  const Depthwise& d = *reinterpret_cast<const Depthwise*>(shape);
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto run = d.stride == 1 ? (kernel == 3 ? maps_forward<3, 1, T> : maps_forward<5, 1, T>)
                                   : (kernel == 3 ? maps_forward<3, 2, T> : maps_forward<5, 2, T>);
    run(d, static_cast<const T*>(x), filters, static_cast<T*>(out), threads);
  });
}

void hyperseg_maps_backward(const int64_t* shape, int64_t kernel, const void* x, const float* filters,
                            const void* grad, void* grad_x, float* grad_filters, int half, int threads) {
  const Depthwise& d = *reinterpret_cast<const Depthwise*>(shape);
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T *map = static_cast<const T*>(x), *from = static_cast<const T*>(grad);
    (kernel == 3 ? maps_backward_input<3, T> : maps_backward_input<5, T>)(d, filters, from, static_cast<T*>(grad_x),
                                                                          threads);
    (kernel == 3 ? maps_backward_filters<3, T> : maps_backward_filters<5, T>)(d, map, from, grad_filters, threads);
  });
}

// The gradient of a gate of channels-last maps, (batch, channels).
void hyperseg_gate_sums(int64_t batch, int64_t pixels, int64_t channels, const void* x, const void* grad,
                        float* grad_gate, int half, int threads) {
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    gate_sums(batch, pixels, channels, static_cast<const T*>(x), static_cast<const T*>(grad), grad_gate, threads);
  });
}

// Maps times a gate, plus a shift, both (batch, channels).
void hyperseg_gate_maps(int64_t batch, int64_t pixels, int64_t channels, const void* x, const float* gate,
                        const float* shift, void* out, int half, int threads) {
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    gate_maps(batch, pixels, channels, static_cast<const T*>(x), gate, shift, static_cast<T*>(out), threads);
  });
}

// Valid depthwise 3x3 of `planes` planes with filters of their own: (height + 2, width + 2) to (height, width).
void hyperseg_depthwise(const void* x, const void* filters, void* out, int64_t planes, int64_t height, int64_t width,
                        int half, int threads) {
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    planes_forward(static_cast<const T*>(x), static_cast<const T*>(filters), static_cast<T*>(out), planes, height, width,
                   threads);
  });
}

// Its gradients: of the input, (height + 2, width + 2), and of the filters, 9 a plane.
void hyperseg_depthwise_backward(const void* x, const void* filters, const void* grad, void* grad_x, void* grad_filters,
                                 int64_t planes, int64_t height, int64_t width, int half, int threads) {
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    planes_backward(static_cast<const T*>(x), static_cast<const T*>(filters), static_cast<const T*>(grad),
                    static_cast<T*>(grad_x), static_cast<T*>(grad_filters), planes, height, width, threads);
  });
}

// A map cut into patches with a halo, and the map's gradient.
void hyperseg_split(const Cut* cut, const void* map, void* patches, int half, int threads) {
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    split(*cut, static_cast<const T*>(map), static_cast<T*>(patches), threads);
  });
}

void hyperseg_split_backward(const Cut* cut, const void* grad, void* grad_map, int half, int threads) {
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    split_backward(*cut, static_cast<const T*>(grad), static_cast<T*>(grad_map), threads);
  });
}

// The gradient of planes (height, width) that were upsampled to twice their size.
void hyperseg_upsample2_backward(int64_t planes, int64_t height, int64_t width, const void* grad, void* grad_x,
                                 int half, int threads) {
  by_type(half, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    upsample2_backward(planes, height, width, static_cast<const T*>(grad), static_cast<T*>(grad_x), threads);
  });
}
}
