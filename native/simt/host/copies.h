#pragma once

#include "simt/copies.h"
#include "simt/host/async_copies.h"

namespace fattn::simt {

inline void copy_async_16(Shared<Quad> target, void const* source, bool valid) {
  host::block().facility<host::AsyncCopies>().issue(target.address, valid ? source : nullptr, 16);
}

template <int kBytes>
inline void copy_async_small(uint32_t target_address, void const* source, bool valid) {
  static_assert(kBytes == 4 || kBytes == 8, "sizes of cp.async.ca below 16");
  host::block().facility<host::AsyncCopies>().issue(target_address, valid ? source : nullptr,
                                                    kBytes);
}

inline void commit_copies() { host::block().facility<host::AsyncCopies>().commit(); }

template <int kPending>
inline void wait_copies() {
  host::block().facility<host::AsyncCopies>().wait(kPending);
}

}  // namespace fattn::simt
