// Our GPU kernels for another process's tensors: what versus_torch.py loads beside PyTorch. It goes
// the way of the addon, through GpuBackend, which chooses and launches the kernel; only the tensors
// are somebody else's.

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "backends/cuda/cuda_device.h"
#include "backends/gpu/gpu_backend.h"
#include "backends/gpu/gpu_stream.h"

using namespace fattn;

/// One call; dense row-major q, out [b, s_q, h_q, d] and k, v [b, s_kv, h_kv, d].
struct FattnCall {
  void *q, *k, *v, *out;
  int64_t dtype, b, s_q, s_kv, h_q, h_kv, d, causal;
  double scale;
};

/// out [rows, columns] = x [rows, in] times the transpose of w [columns, in], all dense.
struct FattnProduct {
  void *x, *w, *out;
  int64_t dtype, rows, in, columns;
};

namespace {

struct Library {
  gpu::GpuBackend backend{cuda::open_runtime(0)};
  std::shared_ptr<Stream> stream = backend.create_stream({});
  // Asking the driver about an address takes longer than a launch.
  std::map<std::pair<void*, int64_t>, std::shared_ptr<Storage>> storages;

  TensorView view(void* address, DType dtype, Extents const& sizes) {
    TensorView view;
    view.dtype = dtype;
    view.sizes = sizes;
    view.strides = contiguous_strides(sizes);
    int64_t const bytes = sizes.product() * size_of(dtype);
    auto& storage = storages[{address, bytes}];
    if (!storage) storage = backend.wrap(address, bytes);
    view.storage = storage;
    return view;
  }
};

Library& library() {
  static auto& instance = *new Library;  // its threads outlive the end of the program
  return instance;
}

std::pair<AttentionDesc, AttentionArgs> read(FattnCall const& call) {
  auto const dtype = static_cast<DType>(call.dtype);
  AttentionArgs args;
  args.q = library().view(call.q, dtype, {call.b, call.s_q, call.h_q, call.d});
  args.k = library().view(call.k, dtype, {call.b, call.s_kv, call.h_kv, call.d});
  args.v = library().view(call.v, dtype, {call.b, call.s_kv, call.h_kv, call.d});
  args.out = library().view(call.out, dtype, {call.b, call.s_q, call.h_q, call.d});
  AttentionDesc desc;
  describe_attention(args, desc);
  desc.heads_out = call.h_q;
  desc.scale = call.scale;
  desc.causal = call.causal != 0;
  return {desc, args};
}

LinearArgs read(FattnProduct const& product) {
  auto const dtype = static_cast<DType>(product.dtype);
  LinearArgs args;
  args.x = library().view(product.x, dtype, {product.rows, product.in});
  args.w = library().view(product.w, dtype, {product.columns, product.in});
  args.out = library().view(product.out, dtype, {product.rows, product.columns});
  return args;
}

/// Null, or what went wrong, valid until the next call on this thread.
template <class Call>
char const* guarded(Call&& call) {
  thread_local std::string text;
  try {
    call();
    return nullptr;
  } catch (std::exception const& error) {
    text = error.what();
    return text.c_str();
  }
}

}  // namespace

extern "C" {

/// Makes the device ready. Null, or why it cannot be used; then nothing below may be called.
[[gnu::visibility("default")]] char const* fattn_open() {
  return guarded([] { library(); });
}

/// The stream that calls are queued on, a cudaStream_t of the primary context.
[[gnu::visibility("default")]] void* fattn_stream() {
  auto& own = static_cast<gpu::GpuStream&>(*library().stream);
  return reinterpret_cast<void*>(own.queue()->handle());
}

/// Queues the call. Null, or what went wrong.
[[gnu::visibility("default")]] char const* fattn_attention(FattnCall const* call) {
  return guarded([&] {
    auto [desc, args] = read(*call);
    library().backend.attention(Submission(*library().stream), desc, args);
  });
}

/// Queues the product. Null, or what went wrong.
[[gnu::visibility("default")]] char const* fattn_linear(FattnProduct const* product) {
  return guarded([&] {
    LinearArgs const args = read(*product);
    LinearDesc const desc = describe_linear(args, Precision::kStorage);
    library().backend.linear(Submission(*library().stream), desc, args);
  });
}

/// The name of the kernel that serves the call, or what went wrong.
[[gnu::visibility("default")]] char const* fattn_kernel(FattnCall const* call) {
  thread_local std::string kernel;
  char const* const failure = guarded([&] {
    auto [desc, args] = read(*call);
    kernel = library().backend.explain_attention(desc, AttentionExtras(args)).kernel;
  });
  return failure ? failure : kernel.c_str();
}

/// Forgets the tensors of earlier calls.
[[gnu::visibility("default")]] void fattn_forget() { library().storages.clear(); }

}  // extern "C"
