// The activations of a network, on vectors.
#pragma once

#include <cstdint>

#include "vector.h"

namespace {

enum Activation : int64_t { kNone = 0, kSwish = 1, kRelu = 2, kRelu6 = 3 };

// 2 to the t, for t in [-126, 127]: exact to a few units in the last place, or (kExact false) to 1e-4.
template <bool kExact>
inline Register power_of_two(Register t) {
#ifdef HYPERSEG_AVX512
  const Register f = _mm512_reduce_ps(t, 0x01);  // t - floor(t)
#else
  t = at_least(t, Register{} - 126.f);
  Register whole = __builtin_convertvector(__builtin_convertvector(t, Integers), Register);
  whole = whole > t ? whole - 1.f : whole;
  const Register f = t - whole;
#endif
  // 2^f on [0, 1), minimax.
  Register p = Register{};
  if (kExact) {
    p = p + 1.8775767e-3f;
    p = p * f + 8.9893397e-3f;
    p = p * f + 5.5826318e-2f;
    p = p * f + 2.4015361e-1f;
    p = p * f + 6.9315308e-1f;
    p = p * f + 9.9999994e-1f;
  } else {
    p = p + 7.9024744e-2f;
    p = p * f + 2.2412704e-1f;
    p = p * f + 6.9683883e-1f;
    p = p * f + 9.9989297e-1f;
  }
#ifdef HYPERSEG_AVX512
  return _mm512_scalef_ps(p, t);
#else
  const Integers bits = (__builtin_convertvector(whole, Integers) + 127) << 23;
  return p * reinterpret_cast<Register>(bits);
#endif
}

// 1 / (1 + exp(-x)), to the exactness of `power_of_two`.
template <bool kExact>
inline Register sigmoid(Register x) {
  x = at_least(x, Register{} - 87.f);
  const Register sum = 1.f + power_of_two<kExact>(x * -1.44269504088896f);
#ifdef HYPERSEG_AVX512
  const Register guess = _mm512_rcp14_ps(sum);
  return kExact ? guess * (2.f - sum * guess) : guess;
#else
  return 1.f / sum;
#endif
}
template <bool kExact, typename H>
inline Pair<H> sigmoid(Pair<H> x) { return {sigmoid<kExact>(x.low), sigmoid<kExact>(x.high)}; }

template <Activation kKind, bool kExact>
inline Vec activate(Vec v) {
  if (kKind == kSwish) return v * sigmoid<kExact>(v);
  if (kKind == kNone) return v;
  v = at_least(v, splat(0.f));
  return kKind == kRelu6 ? at_most(v, splat(6.f)) : v;
}

}  // namespace
