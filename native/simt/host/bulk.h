#pragma once

#include "simt/bulk.h"
#include "simt/host/bulk_copies.h"
#include "simt/host/mbarrier.h"

namespace fattn::simt {

namespace host {
inline BulkCopies& bulk_copies() { return block().facility<BulkCopies>(); }
}  // namespace host

template <CacheHint, int kRank>
inline void load_tile(Shared<Quad> target, TensorMap const& map, int const (&at)[kRank],
                      Shared<MBarrier> barrier) {
  host::bulk_copies().load_tile(target.address, map, at, kRank, host::phase_barrier(barrier));
}
template <int kRank>
inline void store_tile(TensorMap const& map, int const (&at)[kRank], Shared<Quad> source) {
  host::bulk_copies().store_tile(map, at, kRank, source.address, false);
}
template <int kRank>
inline void add_tile(TensorMap const& map, int const (&at)[kRank], Shared<Quad> source) {
  host::bulk_copies().store_tile(map, at, kRank, source.address, true);
}
inline void prefetch_tensor_map(TensorMap const& map) { host::bulk_copies().prefetch(map); }

inline void load_bulk(Shared<Quad> target, void const* source, int bytes,
                      Shared<MBarrier> barrier) {
  host::bulk_copies().load_row(target.address, source, bytes, host::phase_barrier(barrier));
}
inline void store_bulk(void* target, Shared<Quad> source, int bytes) {
  host::bulk_copies().store_row(target, source.address, bytes, host::BulkEffect::kStore);
}
inline void add_bulk(float* target, Shared<Quad> source, int bytes) {
  host::bulk_copies().store_row(target, source.address, bytes, host::BulkEffect::kAddF32);
}
inline void commit_bulk() { host::bulk_copies().commit(); }
template <int kPending>
inline void wait_bulk() {
  host::bulk_copies().wait(kPending, true);
}
template <int kPending>
inline void wait_bulk_read() {
  host::bulk_copies().wait(kPending, false);
}

}  // namespace fattn::simt
