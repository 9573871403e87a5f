#include "backends/cpu/linear/linear.h"

#include <algorithm>

#include "backends/cpu/linear/scratch.h"
#include "core/ops/merged_rows.h"

namespace fattn::cpu {
namespace {

// One modest core: only orders of magnitude matter here.
constexpr double kFlopsPerNs = 100, kBytesPerNs = 20;

int64_t blocks(int64_t size, int64_t block) { return (size + block - 1) / block; }

/// Whether the rows are few. The kernel a call goes to depends on shapes alone: bits must not
/// depend on threads. (Zen 4, one core, w of 4096 by 4096: with 32 registers 16 rows take 25 % less
/// time than by panels; with 16 registers 12 rows take as much, and 16 take a tenth more.)
bool streams(LinearDesc const& desc, KernelTable const& kernels) {
  return desc.rows <= (kernels.lanes == kMaxLanes ? kStreamRows : 12);
}

LinearPlan plan_linear(LinearDesc const& desc, LinearArgs const& args, KernelTable const& kernels,
                       int threads) {
  LinearPlan plan;
  plan.dtype = desc.dtype;
  plan.x = merged_rows<MatrixRows>(args.x);
  plan.out = merged_rows<MatrixRows>(args.out);
  plan.w = args.w.bytes();
  plan.w_row = args.w.strides[0];
  plan.bias = args.bias.defined() ? args.bias.bytes() : nullptr;
  plan.rows = desc.rows;
  plan.in = desc.in;
  plan.columns = desc.columns;
  plan.bf16_dot =
      kernels.bf16_dot && (desc.dtype == DType::bf16 || desc.precision == Precision::kBFloat16);
  Arena arena{nullptr};
  // No bit of a result depends on how it is cut. Three tasks a thread are enough to share.
  if (streams(desc, kernels)) {
    int64_t const share = blocks(desc.columns, int64_t{4} * threads);
    plan.rows_per_task = kStreamRows;
    plan.columns_per_task =
        static_cast<int32_t>(std::min<int64_t>(round_up(share, kStreamColumns), 1 << 20));
    StreamScratch::lay_out(arena, kStreamRows, desc.in);
  } else {
    plan.rows_per_task =
        static_cast<int32_t>(std::min<int64_t>(kLinearRows, round_up(desc.rows, kRowsPerTile)));
    plan.columns_per_task = kLinearColumns;
    auto tasks = [&] {
      return blocks(desc.rows, plan.rows_per_task) * blocks(desc.columns, plan.columns_per_task);
    };
    while (plan.columns_per_task > kMaxPanel && tasks() < 3 * threads) plan.columns_per_task /= 2;
    while (plan.rows_per_task > 8 * kRowsPerTile && tasks() < 3 * threads)
      plan.rows_per_task = static_cast<int32_t>(round_up(plan.rows_per_task / 2, kRowsPerTile));
    LinearScratch::lay_out(arena, plan.rows_per_task, plan.columns_per_task);
  }
  plan.scratch = arena.used;
  return plan;
}

}  // namespace

LinearExplanation explain_linear(LinearDesc const& desc, KernelTable const& kernels) {
  bool const few = streams(desc, kernels), low = desc.precision == Precision::kBFloat16;
  LinearExplanation e;
  e.kernel = few ? "cpu/linear-stream" : "cpu/linear-panels";
  e.path = kernels.path;
  e.half_products = kernels.bf16_dot && !few && (desc.dtype == DType::bf16 || low);
  if (low && !kernels.bf16_dot)
    e.note =
        "precision 'bfloat16' gains nothing here: this path has no bfloat16 dot product, products "
        "stay float32";
  else if (low && few)
    e.note = "precision 'bfloat16' gains nothing here: few rows are bound by reading float32 w";
  return e;
}

void run_linear(JobContext& job, LinearDesc const& desc, LinearArgs const& args,
                KernelTable const& kernels) {
  if (args.out.elements() == 0) return;
  LinearPlan plan = plan_linear(desc, args, kernels, job.threads());
  plan.job = &job;
  plan.stopped = [](void const* of) { return static_cast<JobContext const*>(of)->stopped(); };
  bool const few = streams(desc, kernels);
  auto const kernel = few ? kernels.linear_stream : kernels.linear_panels;
  int64_t const row_blocks = blocks(desc.rows, plan.rows_per_task);
  auto body = [&](int64_t i, Worker& worker) {
    int64_t const row = i % row_blocks * plan.rows_per_task;
    int64_t const column = i / row_blocks * plan.columns_per_task;
    LinearTask const task{row, std::min(row + plan.rows_per_task, desc.rows), column,
                          std::min(column + plan.columns_per_task, desc.columns)};
    kernel(plan, task, worker.scratch(static_cast<size_t>(plan.scratch)));
  };
  double const elements = double(desc.columns) * double(desc.in);
  double const nanoseconds = few ? elements * double(size_of(desc.dtype)) / kBytesPerNs
                                 : 2 * double(desc.rows) * elements / kFlopsPerNs;
  job.parallel_for(row_blocks * blocks(desc.columns, plan.columns_per_task), nanoseconds, body);
}

}  // namespace fattn::cpu
