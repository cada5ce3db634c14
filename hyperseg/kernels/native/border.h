// The border of a map.
#pragma once

#include <cstdint>

namespace {

// Line i of a map of n lines, reflected about its first or last line where it lies outside.
inline int64_t reflect(int64_t i, int64_t n) { return i < 0 ? -i : (i >= n ? 2 * n - 2 - i : i); }

}  // namespace
