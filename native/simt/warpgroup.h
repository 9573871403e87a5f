// Products of a warpgroup, four warps of which the first is a multiple of four (sm_90a, PTX ISA
// 9.7.15): 64 x kN += 64 x 16 by 16 x kN, 16-bit elements, sums in f32. They run beside the
// threads:
//   wgmma_fence(d, a); wgmma…(d, a, b); …; wgmma_commit(); …; wgmma_wait<0>(d);
// All threads of the warpgroup call each function together. Matrices in shared memory are read
// through the async proxy (proxy.h), between the call and the wait.
#pragma once

#include <cstdint>

#include "simt/fragments.h"
#include "simt/shared.h"
#include "simt/tensor_map.h"

namespace fattn::simt {

/// This thread's part of a 64 x kN sum, kN a multiple of 8 up to 256. Element 4j + 2h + e is row
/// 16 (warp % 4) + lane/4 + 8h, column 8j + 2 (lane % 4) + e (PTX ISA 9.7.15.5.1.1). Members:
///   float get(int element) const;  void set(int element, float value);
/// and constexpr int kElements = kN / 2. Neither is allowed between a product and the wait that
/// names the accumulator, and indices must be known when compiling. It cannot be copied.
template <int kN>
class WgmmaAccumulator;

/// Which axis of a factor has neighbours in memory: the one summed over (rows of A and columns of B
/// are then rows of the panel), or the other.
enum class Major : int { kK = 0, kMN = 1 };

/// Where a factor lies (PTX ISA 9.7.15.5.1.2.2): in panels as load_tile writes them, each of rows
/// 128 (or 64) bytes long, swizzled so, the first at a multiple of 1024 (512).
struct MatrixDescriptor {
  uint64_t bits;

  /// The same factor `bytes`, a multiple of 16, further on: from one 16 of the summed axis to the
  /// next +32 within a panel whose rows run along it, else 16 rows; + 64 rows for the next 64 of A.
  FATTN_DEVICE MatrixDescriptor operator+(int bytes) const {
    auto const low = static_cast<uint32_t>(bits) + static_cast<uint32_t>(bytes >> 4);
    return {bits >> 32 << 32 | low};
  }
};
/// The factor whose first panel is `panel`. `panel_bytes`: from one panel to the next, used where
/// the other axis is the one with neighbours, and spans panels.
FATTN_DEVICE constexpr MatrixDescriptor describe_matrix(Shared<Quad> panel, TileSwizzle swizzle,
                                                        int panel_bytes) {
  uint64_t const row_bytes = static_cast<uint64_t>(swizzle);
  uint64_t const mode = swizzle == TileSwizzle::k128 ? 1 : 2;
  return {(panel.address & 0x3ffff) >> 4 | static_cast<uint64_t>(panel_bytes >> 4) << 16 |
          8 * row_bytes >> 4 << 32 | mode << 62};
}

/// d = a b, or d += a b where `accumulate`. Element: F16 or BF16. wgmma.mma_async (9.7.15.5.2).
template <class Element, Major kMajorA, Major kMajorB, int kN>
FATTN_DEVICE void wgmma(WgmmaAccumulator<kN>& d, MatrixDescriptor a, MatrixDescriptor b,
                        bool accumulate);
/// With a in registers: warp w holds rows 16w .. 16w + 15 as the Fragment of fragments.h.
template <class Element, Major kMajorB, int kN>
FATTN_DEVICE void wgmma(WgmmaAccumulator<kN>& d, Fragment const& a, MatrixDescriptor b,
                        bool accumulate);

/// Before the first product of a batch: what this thread did with the accumulators and fragments
/// named comes first. All must be named that the batch uses and the thread has touched since they
/// were last in a product. wgmma.fence (9.7.15.7.1).
template <class... Registers>
FATTN_DEVICE void wgmma_fence(Registers&... registers);
/// Closes the group of products since the last one: wgmma.commit_group (9.7.15.7.2).
FATTN_DEVICE void wgmma_commit();
/// Until at most kPending groups are under way. The accumulators named, none of which has a product
/// in those, may be used again. wgmma.wait_group (9.7.15.7.3).
template <int kPending, int... kN>
FATTN_DEVICE void wgmma_wait(WgmmaAccumulator<kN>&... accumulators);

}  // namespace fattn::simt
