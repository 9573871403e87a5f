#pragma once

#include "binding/arguments.h"

// The functions of lib/native-module.ts, in its order. Each reads its arguments, calls the
// backend and wraps the result; what they throw, guard() turns into a JavaScript error.

namespace fattn::binding {

napi_value build_info(Arguments const& args);
napi_value devices(Arguments const& args);
napi_value cuda_status_value(Arguments const& args);
napi_value memory_usage(Arguments const& args);
napi_value set_threads(Arguments const& args);
napi_value measure_ceilings(Arguments const& args);

napi_value tensor_empty(Arguments const& args);
napi_value tensor_from(Arguments const& args);
napi_value tensor_view(Arguments const& args);
napi_value tensor_from_pointer(Arguments const& args);
napi_value tensor_pointer(Arguments const& args);
napi_value tensor_shareable(Arguments const& args);
napi_value tensor_share(Arguments const& args);
napi_value tensor_open_shared(Arguments const& args);
napi_value tensor_dispose(Arguments const& args);
napi_value tensor_fill(Arguments const& args);
napi_value tensor_randn(Arguments const& args);
napi_value tensor_copy(Arguments const& args);
napi_value tensor_read(Arguments const& args);

napi_value default_stream(Arguments const& args);
napi_value stream_create(Arguments const& args);
napi_value stream_synchronize(Arguments const& args);
napi_value stream_record(Arguments const& args);
napi_value stream_wait(Arguments const& args);
napi_value stream_close(Arguments const& args);
napi_value event_elapsed(Arguments const& args);

napi_value abort_create(Arguments const& args);
napi_value abort_raise(Arguments const& args);
napi_value abort_in_use(Arguments const& args);

napi_value attention(Arguments const& args);
napi_value merge_attention(Arguments const& args);
napi_value linear(Arguments const& args);
napi_value rope(Arguments const& args);
napi_value rms_norm(Arguments const& args);
napi_value compressed_conv(Arguments const& args);
napi_value dynamic_mask_scores(Arguments const& args);
napi_value dynamic_mask_intervals(Arguments const& args);
napi_value dynamic_mask_append(Arguments const& args);
napi_value dynamic_mask_attention(Arguments const& args);
napi_value block_sparse_attention(Arguments const& args);
napi_value explain_attention(Arguments const& args);
napi_value explain_dynamic_mask(Arguments const& args);
napi_value explain_block_sparse(Arguments const& args);
napi_value explain_linear(Arguments const& args);
napi_value explain_compressed_conv(Arguments const& args);

}  // namespace fattn::binding
