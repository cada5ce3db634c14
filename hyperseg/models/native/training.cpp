// Kernels of a training step on a CPU, in float32: the backbone's, on channels-last maps, and the decoder's, on patches.
//
// Work is cut into pieces whose size depends on the shapes alone, and their sums are added in order: the result is the
// same for any number of threads, and every time.

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "rows.h"

namespace {

// How much of a vector there is: all of it, or at the end of a row its first n numbers, the rest read as 0.
struct Full {};
struct Part {
  int64_t n;
};
inline Vec load(const float* p, Full) { return load(p); }
inline void store(float* p, Vec v, Full) { store(p, v); }
inline Vec load(const float* p, Part part) {
  float values[kLanes] = {};
  for (int64_t i = 0; i < part.n; ++i) values[i] = p[i];
  return load(values);
}
inline void store(float* p, Vec v, Part part) {
  float values[kLanes];
  store(values, v);
  for (int64_t i = 0; i < part.n; ++i) p[i] = values[i];
}
inline Vec keep(Vec v, Full) { return v; }
inline Vec keep(Vec v, Part part) {
  float values[kLanes];
  store(values, v);
  return load(values, part);
}

// `body(begin, part)` for every vector of a row of n numbers.
template <class F>
inline void vectors(int64_t n, F body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, Full{});
  if (i < n) body(i, Part{n - i});
}

template <Activation A>
inline Vec gradient(Vec z, Vec grad) {
  if (A == kSwish) {
    const Vec s = sigmoid<true>(z);
    return grad * (s + z * s * (1.f - s));
  }
  if (A == kRelu || A == kRelu6) grad = z <= splat(0.f) ? splat(0.f) : grad;
  if (A == kRelu6) grad = z >= splat(6.f) ? splat(0.f) : grad;
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
  int32_t activation, threads;
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
      for (int t = 0; t < TERMS; ++t) {
        float sum = 0.f;
        for (int64_t l = 0; l < kLanes; ++l) sum += total[t][l];
        sums[t * channels + c] = sum;
      }
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

template <Activation A>
void norm_forward(const NormMap& m, const float* x, const float* weight, const float* bias, float* running_mean,
                  float* running_var, float* out, float* mean, float* invstd) {
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

template <Activation A>
void norm_backward(const NormMap& m, const float* x, const float* weight, const float* bias, const float* mean,
                   const float* invstd, const float* grad, float* grad_x, float* grad_weight, float* grad_bias) {
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

// A depthwise convolution on channels-last maps: filters (kernel * kernel, channels), `before` lines of zeros before.
struct Depthwise {
  int64_t batch, channels, height, width, out_height, out_width, stride, before;
};

// Output columns [begin, end) of one output line and vector of channels, at any place of the map; taps outside it are 0.
template <int K, class P>
inline void at_border(const Depthwise& d, const float* x, const float* filters, float* out, int64_t b, int64_t oy,
                      int64_t c, int64_t begin, int64_t end, P part) {
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

template <int K, int S>
void maps_forward(const Depthwise& d, const float* x, const float* filters, float* out, int threads) {
  // Columns whose taps all lie inside the map.
  const int64_t first = std::min((d.before + S - 1) / S, d.out_width);
  const int64_t last = std::max(first, std::min((d.width - K + d.before) / S + 1, d.out_width));
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t line = 0; line < d.batch * d.out_height; ++line) {
    const int64_t b = line / d.out_height, oy = line % d.out_height, top = oy * S - d.before;
    const bool inside = top >= 0 && top + K <= d.height && d.width >= K;
    const int64_t wide = inside ? d.channels / kLanes * kLanes : 0;
    for (int64_t c = 0; c < wide; c += kLanes) {
      const float* rows[K];
      for (int64_t dy = 0; dy < K; ++dy)
        rows[dy] = x + ((b * d.height + top + dy) * d.width - d.before) * d.channels + c;
      float* to = out + line * d.out_width * d.channels + c;
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
template <int K>
void maps_backward_input(const Depthwise& d, const float* filters, const float* grad, float* grad_x, int threads) {
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
    const float* map = grad + b * d.out_height * d.out_width * d.channels;
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

template <int K>
void maps_backward_filters(const Depthwise& d, const float* x, const float* grad, float* grad_filters, int threads) {
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
        const float* g = grad + (b * d.out_height + oy) * d.out_width * d.channels + c;
        const bool inside = top >= 0 && top + K <= d.height;
        for (int64_t ox = 0; ox < d.out_width; ++ox) {
          const int64_t left = ox * d.stride - d.before;
          const Vec own = load(g + ox * d.channels, n);
          const float* corner = x + ((b * d.height + top) * d.width + left) * d.channels + c;
          if (inside && left >= 0 && left + K <= d.width) {
#pragma GCC unroll 5
            for (int dy = 0; dy < K; ++dy) {
              const float* from = corner + dy * d.width * d.channels;
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

// out = grad * gate for channels-last maps, and the gate's gradient: the sum over `pixels` of grad * x.
void hyperseg_gate_backward(int64_t batch, int64_t pixels, int64_t channels, const float* x, const float* gate,
                            const float* grad, float* grad_x, float* grad_gate, int threads) {
  constexpr int64_t kRows = 64;
  const int64_t strips = (pixels + kRows - 1) / kRows;
  std::vector<float> parts(batch * strips * channels);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t piece = 0; piece < batch * strips; ++piece) {
    const int64_t b = piece / strips, first = piece % strips * kRows, last = std::min(first + kRows, pixels);
    vectors(channels, [&](int64_t c, auto n) {
      const Vec factor = load(gate + b * channels + c, n);
      Vec sum = {};
      for (int64_t r = b * pixels + first; r < b * pixels + last; ++r) {
        const Vec g = load(grad + r * channels + c, n);
        sum += g * load(x + r * channels + c, n);
        store(grad_x + r * channels + c, g * factor, n);
      }
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
