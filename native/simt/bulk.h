// Bulk copies between global and shared memory, done by a unit beside the threads at the word of
// one thread (sm_90, PTX ISA 9.7.9.25). They see shared memory through the async proxy (proxy.h).
//
// Loads count their bytes at an mbarrier, those outside of the tensor too. Stores and additions
// belong to groups of the thread that asks for them.
#pragma once

#include <cstdint>

#include "simt/mbarrier.h"
#include "simt/shared.h"
#include "simt/tensor_map.h"

namespace fattn::simt {

/// What the level 2 cache should make of the data: createpolicy (9.7.9.19).
enum class CacheHint { kNormal, kEvictFirst, kEvictLast };

/// The box at coordinates `at` (innermost first, in elements, may lie outside: zeros) to `target`,
/// aligned to 128 bytes, to 1024 (512) with a 128-byte (64-byte) swizzle. Row after row without
/// gaps, swizzled as the map says: cp.async.bulk.tensor, tile mode (9.7.9.25.5.2).
template <CacheHint kHint = CacheHint::kNormal, int kRank>
FATTN_DEVICE void load_tile(Shared<Quad> target, TensorMap const& map, int const (&at)[kRank],
                            Shared<MBarrier> barrier);
/// The reverse; what lies outside is dropped.
template <int kRank>
FATTN_DEVICE void store_tile(TensorMap const& map, int const (&at)[kRank], Shared<Quad> source);
/// Adds instead, element by element and atomically: cp.reduce.async.bulk.tensor.add (9.7.9.25.5.3).
template <int kRank>
FATTN_DEVICE void add_tile(TensorMap const& map, int const (&at)[kRank], Shared<Quad> source);
/// Has the map fetched ahead of its first use: prefetch.tensormap (9.7.9.16).
FATTN_DEVICE void prefetch_tensor_map(TensorMap const& map);

/// `bytes` bytes without a map, everything a multiple of 16: cp.async.bulk (9.7.9.25.4.1).
FATTN_DEVICE void load_bulk(Shared<Quad> target, void const* source, int bytes,
                            Shared<MBarrier> barrier);
FATTN_DEVICE void store_bulk(void* target, Shared<Quad> source, int bytes);
/// Adds f32, atomically: cp.reduce.async.bulk.add.f32 (9.7.9.25.4.2).
FATTN_DEVICE void add_bulk(float* target, Shared<Quad> source, int bytes);

/// Closes the group of this thread's stores and additions: cp.async.bulk.commit_group.
FATTN_DEVICE void commit_bulk();
/// Until at most kPending of this thread's groups have not been written to global memory:
/// cp.async.bulk.wait_group (9.7.9.25.6.2).
template <int kPending>
FATTN_DEVICE void wait_bulk();
/// Until at most kPending have not been read from shared memory, which may then be overwritten:
/// cp.async.bulk.wait_group.read.
template <int kPending>
FATTN_DEVICE void wait_bulk_read();

}  // namespace fattn::simt
