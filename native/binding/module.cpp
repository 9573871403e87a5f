#include <node_api.h>

#include "binding/bindings.h"
#include "binding/environment.h"
#include "binding/guard.h"

namespace fattn::binding {
namespace {

struct Export {
  char const* name;
  napi_callback function;
};

constexpr Export kExports[] = {
    {"buildInfo", guard<build_info>},
    {"devices", guard<devices>},
    {"cudaStatus", guard<cuda_status_value>},
    {"memoryUsage", guard<memory_usage>},
    {"setThreads", guard<set_threads>},
    {"measureCeilings", guard<measure_ceilings>},
    {"tensorEmpty", guard<tensor_empty>},
    {"tensorFrom", guard<tensor_from>},
    {"tensorView", guard<tensor_view>},
    {"tensorFromPointer", guard<tensor_from_pointer>},
    {"tensorPointer", guard<tensor_pointer>},
    {"tensorShareable", guard<tensor_shareable>},
    {"tensorShare", guard<tensor_share>},
    {"tensorOpenShared", guard<tensor_open_shared>},
    {"tensorDispose", guard<tensor_dispose>},
    {"tensorFill", guard<tensor_fill>},
    {"tensorRandn", guard<tensor_randn>},
    {"tensorCopy", guard<tensor_copy>},
    {"tensorRead", guard<tensor_read>},
    {"defaultStream", guard<default_stream>},
    {"streamCreate", guard<stream_create>},
    {"streamSynchronize", guard<stream_synchronize>},
    {"streamRecord", guard<stream_record>},
    {"streamWait", guard<stream_wait>},
    {"streamClose", guard<stream_close>},
    {"eventElapsed", guard<event_elapsed>},
    {"abortCreate", guard<abort_create>},
    {"abortRaise", guard<abort_raise>},
    {"abortInUse", guard<abort_in_use>},
    {"attention", guard<attention>},
    {"mergeAttention", guard<merge_attention>},
    {"linear", guard<linear>},
    {"rope", guard<rope>},
    {"rmsNorm", guard<rms_norm>},
    {"compressedConv", guard<compressed_conv>},
    {"dynamicMaskScores", guard<dynamic_mask_scores>},
    {"dynamicMaskIntervals", guard<dynamic_mask_intervals>},
    {"dynamicMaskAppend", guard<dynamic_mask_append>},
    {"dynamicMaskAttention", guard<dynamic_mask_attention>},
    {"blockSparseAttention", guard<block_sparse_attention>},
    {"explainAttention", guard<explain_attention>},
    {"explainDynamicMask", guard<explain_dynamic_mask>},
    {"explainBlockSparse", guard<explain_block_sparse>},
    {"explainLinear", guard<explain_linear>},
    {"explainCompressedConv", guard<explain_compressed_conv>},
};

napi_value register_exports(napi_env env, napi_value exports) {
  try {
    Environment::attach(env);
    for (auto const& [name, function] : kExports) {
      napi_value value = nullptr;
      check_status(env,
                   napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value));
      check_status(env, napi_set_named_property(env, exports, name, value));
    }
  } catch (...) {
    throw_in_javascript(env, std::current_exception());
  }
  return exports;
}

}  // namespace
}  // namespace fattn::binding

NAPI_MODULE_INIT() { return fattn::binding::register_exports(env, exports); }
