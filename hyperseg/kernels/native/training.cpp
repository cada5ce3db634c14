// Kernels of a training step on a CPU, in float32: the backbone's on channels-last maps, and the decoder's on patches.
//
// Work is cut into pieces whose size depends on the shapes alone, and their sums are added in order: the result is the
// same for any number of threads, and every time.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "depthwise.h"
#include "norm.h"
#include "patches.h"

extern "C" {

// Batch norm over the batch and activation; updates the running statistics.
void hyperseg_norm(const NormMap* m, const float* x, const float* weight, const float* bias, float* running_mean,
                   float* running_var, float* out, float* mean, float* invstd) {
  const auto run = m->activation == kSwish   ? norm_forward<kSwish>
                   : m->activation == kRelu  ? norm_forward<kRelu>
                   : m->activation == kRelu6 ? norm_forward<kRelu6>
                                             : norm_forward<kNone>;
  run(*m, x, weight, bias, running_mean, running_var, out, mean, invstd);
}

void hyperseg_norm_backward(const NormMap* m, const float* x, const float* weight, const float* bias, const float* mean,
                            const float* invstd, const float* grad, float* grad_x, float* grad_weight,
                            float* grad_bias) {
  const auto run = m->activation == kSwish   ? norm_backward<kSwish>
                   : m->activation == kRelu  ? norm_backward<kRelu>
                   : m->activation == kRelu6 ? norm_backward<kRelu6>
                                             : norm_backward<kNone>;
  run(*m, x, weight, bias, mean, invstd, grad, grad_x, grad_weight, grad_bias);
}

// Depthwise convolution of channels-last maps, kernel 3 or 5, stride 1 or 2.
void hyperseg_maps(const int64_t* shape, int64_t kernel, const float* x, const float* filters, float* out,
                   int threads) {
  const Depthwise& d = *reinterpret_cast<const Depthwise*>(shape);
  const auto run = d.stride == 1 ? (kernel == 3 ? maps_forward<3, 1> : maps_forward<5, 1>)
                                 : (kernel == 3 ? maps_forward<3, 2> : maps_forward<5, 2>);
  run(d, x, filters, out, threads);
}

void hyperseg_maps_backward(const int64_t* shape, int64_t kernel, const float* x, const float* filters,
                            const float* grad, float* grad_x, float* grad_filters, int threads) {
  const Depthwise& d = *reinterpret_cast<const Depthwise*>(shape);
  (kernel == 3 ? maps_backward_input<3> : maps_backward_input<5>)(d, filters, grad, grad_x, threads);
  (kernel == 3 ? maps_backward_filters<3> : maps_backward_filters<5>)(d, x, grad, grad_filters, threads);
}

// The gradient of a gate of channels-last maps: the sum over `pixels` of grad * x.
void hyperseg_gate_sums(int64_t batch, int64_t pixels, int64_t channels, const float* x, const float* grad,
                        float* grad_gate, int threads) {
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
void hyperseg_gate_maps(int64_t batch, int64_t pixels, int64_t channels, const float* grad, const float* gate,
                        const float* shift, float* out, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < batch * pixels; ++r) {
    const float *factor = gate + r / pixels * channels, *term = shift + r / pixels * channels;
    vectors(channels, [&](int64_t c, auto n) {
      store(out + r * channels + c, load(grad + r * channels + c, n) * load(factor + c, n) + load(term + c, n), n);
    });
  }
}

// Valid depthwise 3x3 of `planes` planes with filters of their own: (height + 2, width + 2) to (height, width).
void hyperseg_depthwise(const float* x, const float* filters, float* out, int64_t planes, int64_t height, int64_t width,
                        int threads) {
  const int64_t row = width + 2;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t p = 0; p < planes; ++p) {
    const float *in = x + p * (height + 2) * row, *w = filters + p * 9;
    float* to = out + p * height * width;
    for (int64_t r = 0; r < height; ++r) {
      const float *a = in + r * row, *b = a + row, *c = b + row;
      for (int64_t i = 0; i < width; ++i)
        to[r * width + i] = w[0] * a[i] + w[1] * a[i + 1] + w[2] * a[i + 2] + w[3] * b[i] + w[4] * b[i + 1] +
                            w[5] * b[i + 2] + w[6] * c[i] + w[7] * c[i + 1] + w[8] * c[i + 2];
    }
  }
}

// Its gradients: of the input, (height + 2, width + 2), and of the filters, 9 a plane.
void hyperseg_depthwise_backward(const float* x, const float* filters, const float* grad, float* grad_x,
                                 float* grad_filters, int64_t planes, int64_t height, int64_t width, int threads) {
  const int64_t row = width + 2;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t p = 0; p < planes; ++p) {
    const float *in = x + p * (height + 2) * row, *w = filters + p * 9, *g = grad + p * height * width;
    float* to = grad_x + p * (height + 2) * row;
    std::fill(to, to + (height + 2) * row, 0.f);
    float sums[9] = {};
    for (int64_t r = 0; r < height; ++r) {
      const float* line = g + r * width;
      for (int64_t dy = 0; dy < 3; ++dy) {
        const float* from = in + (r + dy) * row;
        float* into = to + (r + dy) * row;
        for (int64_t dx = 0; dx < 3; ++dx) {
          const float weight = w[dy * 3 + dx];
          float sum = 0.f;
          for (int64_t i = 0; i < width; ++i) {
            sum += line[i] * from[i + dx];
            into[i + dx] += line[i] * weight;
          }
          sums[dy * 3 + dx] += sum;
        }
      }
    }
    std::copy(sums, sums + 9, grad_filters + p * 9);
  }
}
}
