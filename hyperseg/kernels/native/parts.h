// Rows of any length, a vector at a time: whole ones, and what is left at the end.
#pragma once

#include <cstdint>

#include "half.h"

namespace {

// How much of a vector there is: all of it, or at the end of a row its first n numbers, the rest read as 0.
struct Full {};
struct Part {
  int64_t n;
};
template <class T>
inline Vec load(const T* p, Full) { return load(p); }
template <class T>
inline void store(T* p, Vec v, Full) { store(p, v); }
template <class T>
inline Vec load(const T* p, Part part) {
  float values[kLanes] = {};
  for (int64_t i = 0; i < part.n; ++i) values[i] = widen(p[i]);
  return load(values);
}
template <class T>
inline void store(T* p, Vec v, Part part) {
  float values[kLanes];
  store(values, v);
  for (int64_t i = 0; i < part.n; ++i) put(p + i, values[i]);
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

}  // namespace
