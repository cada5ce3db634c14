// Kernels of a training step on a CPU, in float32. Sums are split the same way whatever the number of threads.

#include <algorithm>
#include <cstdint>

extern "C" {

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
