#include "backends/gpu/linear_job.h"

#include <string>
#include <utility>

#include "backends/gpu/elementwise.h"
#include "core/ops/merged_rows.h"
#include "kernels/linear/params.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kMostColumns = int64_t{1} << 30;  // of x, w and out: 32-bit numbers in kernels
// A tile of tensor cores has 128 rows and 256 columns, so that few rows keep few multiprocessors
// busy. They are bound by reading w, which `simple` reads once per 8 rows, and of many places at a
// time.
constexpr int64_t kFewRows = 16;

LinearParams describe(LinearDesc const& desc, LinearArgs const& args) {
  LinearParams p{};
  p.x = merged_rows<MatrixRows>(args.x);
  p.out = merged_rows<MatrixRows>(args.out);
  p.w = args.w.bytes();
  p.w_row = args.w.strides[0];
  p.bias = args.bias.defined() ? args.bias.bytes() : nullptr;
  p.rows = desc.rows;
  p.in = static_cast<int32_t>(desc.in);
  p.columns = static_cast<int32_t>(desc.columns);
  return p;
}

int64_t tiles(int64_t size, int tile) { return (size + tile - 1) / tile; }

/// Why no kernel serves a call, whatever its dtype and sizes otherwise; empty where one may.
std::string refusal(LinearDesc const& desc, Device device) {
  if (desc.in < kMostColumns && desc.columns < kMostColumns) return {};
  return "linear on " + name_of(device) + " does not serve rows of 2^30 elements or more";
}

std::string refusal_of_all(Device device) {
  return "linear on " + name_of(device) + " does not serve this call: there are only " +
         listed("linear");
}

}  // namespace

KernelRow const* choose_linear(LinearDesc const& desc, bool quads, DeviceFacts const& facts) {
  bool const on_tensor_cores = quads && desc.rows > kFewRows;
  for (KernelRow const& row : kernel_rows()) {
    if (row.op != "linear" || row.dtype.value_or(desc.dtype) != desc.dtype) continue;
    if (row.least_sm > facts.major * 10 + facts.minor) continue;
    if (row.path == "mma16" && !on_tensor_cores) continue;
    if (row.instance().kernel.shared_bytes <= facts.shared_bytes) return &row;
  }
  return nullptr;
}

LinearExplanation explain_linear(LinearDesc const& desc, Device device, DeviceFacts const& facts) {
  constexpr int64_t kQuad = 8;  // elements of 16 bits
  LinearExplanation e;
  e.reason = refusal(desc, device);
  bool const quads = desc.in % kQuad == 0 && desc.columns % kQuad == 0;
  KernelRow const* const row = e.reason.empty() ? choose_linear(desc, quads, facts) : nullptr;
  e.supported = row != nullptr;
  if (row == nullptr && e.reason.empty()) e.reason = refusal_of_all(device);
  if (row == nullptr) return e;
  e.kernel = row->name;
  e.path = row->path;
  e.half_products = row->path == "mma16";
  if (desc.precision == Precision::kBFloat16)
    e.note = "precision 'bfloat16' gains nothing here: float32 inputs are multiplied as float32";
  else if (desc.dtype != DType::f32 && !e.half_products)
    e.note = quads ? "few rows are bound by reading w, which needs no tensor cores"
                   : "tensor cores take rows of whole 16 bytes: in and out in multiples of 8";
  return e;
}

void launch_linear(DeviceJob& job, LinearDesc const& desc, LinearArgs const& args) {
  if (args.out.elements() == 0) return;
  Device const device = job.stream().device();
  if (std::string reason = refusal(desc, device); !reason.empty())
    throw Error(ErrorCode::kUnsupported, std::move(reason));
  LinearParams const p = describe(desc, args);
  KernelRow const* const row = choose_linear(desc, in_quads(p), job.stream().gpu().facts());
  if (row == nullptr) throw Error(ErrorCode::kUnsupported, refusal_of_all(device));
  KernelInstance const instance = row->instance();
  int64_t const across = tiles(desc.columns, instance.tile_keys);
  job.launch(instance.kernel,
             grid_for("linear", checked_multiply(tiles(desc.rows, instance.tile_rows), across), 1),
             p);
}

}  // namespace fattn::gpu
