#pragma once

#include "backends/gpu/gpu_stream.h"
#include "core/backend.h"

namespace fattn::gpu {

/// A stream of the CPU for one transfer: it lives as long as its work.
std::shared_ptr<Stream> cpu_stream();

/// The stream whose work the CPU tensor waits for, or any.
std::shared_ptr<Stream> writer_of(TensorView const& view);

// Transfers of what is too large to be pinned as a whole (BulkCopy). What comes later in the stream
// is held up until they are done, by nobody who calls the runtime; whatever else is known of the
// contents is told by others.

/// Row-major elements of `source` as `as` into host memory that outlives `done`. Throws
/// ERR_OUT_OF_MEMORY where nothing can be pinned, as does the other.
void read_in_pieces(GpuStream& stream, TensorView const& source, DType as, char* host,
                    Completion done);

/// Queues a copy from the CPU, by way of a copy of the source: it may change behind this call,
/// while pieces of it are still to come.
void copy_in_pieces(GpuDevice& gpu, Submission const& to, TensorView const& source,
                    TensorView const& target);

}  // namespace fattn::gpu
