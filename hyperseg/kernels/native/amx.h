// Numbers in bfloat16, and the tiles of AMX, where the CPU has them.
#pragma once

#include <cstdint>
#include <cstring>

#include "half.h"
#include "vector.h"

#if defined(HYPERSEG_AVX512) && defined(__AVX512BF16__)
#define HYPERSEG_BF16
#endif
#if defined(HYPERSEG_BF16) && defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__linux__)
#define HYPERSEG_AMX
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace {

constexpr int64_t kTile = 512;  // numbers in a tile of bfloat16

#ifdef HYPERSEG_BF16
inline void store_half(Half* p, Vec v) {
  const __m256bh rounded = _mm512_cvtneps_pbh(v);
  std::memcpy(p, &rounded, sizeof(rounded));
}
#else
inline void store_half(Half*, Vec) {}
#endif

#ifdef HYPERSEG_AMX
// Linux hands out the tiles' registers on request, once per process.
inline int allow_tiles() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// Eight tiles of 16 rows by 64 bytes for the thread, while it lives.
class TileScope {
 public:
  explicit TileScope(bool wanted) : wanted_(wanted) {
    if (!wanted_) return;
    struct alignas(64) {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } config;
    _tile_loadconfig(&config);
  }
  ~TileScope() {
    if (wanted_) _tile_release();
  }

 private:
  bool wanted_;
};
#else
struct TileScope {
  explicit TileScope(bool) {}
};
#endif

// Whether products of bfloat16 run here; with tiles the system has to allow them.
inline int has_half() {
#if defined(HYPERSEG_AMX)
  return allow_tiles();
#elif defined(HYPERSEG_BF16)
  return 1;
#else
  return 0;
#endif
}

}  // namespace
