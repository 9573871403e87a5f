#include "backends/gpu/sparse_job.h"

#include <algorithm>

#include "backends/gpu/attention_job.h"
#include "backends/gpu/elementwise.h"
#include "backends/gpu/index_job.h"
#include "backends/gpu/sparse_choice.h"
#include "kernels/attention/combine.h"
#include "kernels/sparse/check_lists.h"
#include "kernels/sparse/list_keys.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kWorkersPerMultiprocessor = 32;  // warps

/// A call on its way: which kernel, how it is cut, and what has been queued of it.
struct SparseCall {
  DeviceJob& job;
  char const* name;
  AttentionDesc const& desc;
  AttentionArgs const& dense;
  NamedKeys keys;
  SparseAttentionParams p;

  KernelInstance instance{};
  SparseCut cut{};
  PendingReports reports{};

  SparseCall(DeviceJob& the_job, char const* the_name, AttentionDesc const& the_desc,
             AttentionArgs const& args, NamedKeys const& named)
      : job(the_job), name(the_name), desc(the_desc), dense(args), keys(named), p{} {
    p.dense = attention_params(desc, dense);
    p.naming = keys.naming;
    p.heads = static_cast<int32_t>(keys.heads);
    DeviceFacts const& facts = job.stream().gpu().facts();
    AttentionChoice const choice = choose_sparse(desc, rows_aligned(dense), facts);
    check(choice.row != nullptr, ErrorCode::kUnsupported, name, " on ",
          name_of(job.stream().device()), " does not serve this call: ", choice.reason);
    instance = choice.row->instance();
    cut = cut_sparse(desc, keys, instance, facts);
    p.dense.pack = cut.pack;
    p.dense.row_tiles = cut.row_tiles;
    p.dense.chunks = cut.chunks;
    p.dense.chunk_keys = INT32_MAX;
  }

  bool has_work() const { return cut.blocks > 0; }

  void prepare() {
    if (auto report = launch_prepare(job, desc, dense, p.dense.indices, name))
      reports.push_back(std::move(report));
  }

  void list_keys() {
    p.list_rows = cut.list_rows;
    p.list_tiles = cut.list_tiles;
    p.capacity = cut.capacity;
    p.keys = job.scratch_of<int32_t>(checked_multiply(cut.lists, cut.capacity));
    p.counts = job.scratch_of<int32_t>(cut.lists);
    job.launch(kernel_row("list_keys").instance().kernel,
               grid_for(name, cut.lists, ListKeys::kLists), p);
  }

  /// Queues the check of lists by the kernels of `op`, `per_block` workers to the block.
  void check_lists(char const* op, CheckListsParams params, int64_t workers, int64_t per_block) {
    if (params.lists == 0) return;
    params.mistakes = job.scratch_of<IndexReport>(params.lists);
    job.launch(kernel_row(op).instance().kernel, grid_for(name, workers, per_block), params);
    auto report = std::make_shared<PendingReport>(job.stream().queue(), name);
    auto* const failed = job.scratch_of<int32_t>(1);
    ReportListsParams const found{params.mistakes, params.lists,
                                  reinterpret_cast<IndexReport*>(report->words()), failed};
    job.launch(kernel_row("report_lists").instance().kernel, {}, found);
    report->set_position(job.position());
    reports.push_back(std::move(report));
    p.failed = failed;
  }

  void attend() {
    if (cut.chunks > 1) {
      p.dense.partial_out = job.scratch_of<float>(cut.partial_rows * cut.chunks * desc.head_dim_v);
      p.dense.partial_state = job.scratch_of<float>(cut.partial_rows * cut.chunks * 2);
    }
    job.launch(instance.kernel, {static_cast<uint32_t>(cut.blocks)}, p);
    if (cut.chunks > 1)
      job.launch(kernel_row("combine", desc.dtype).instance().kernel,
                 grid_for(name, cut.partial_rows, CombineAttention<float>::kRows), p.dense);
  }
};

void describe_kept(SparseCall& call, KeptKeys const& kept) {
  int64_t const most = kept.scores.sizes[2];
  check(most < INT32_MAX, ErrorCode::kUnsupported, call.name, ": a state of 2^31 tokens or more");
  call.p.kept = {kept.tokens.data<int32_t>(), static_cast<int32_t>(most)};
  call.p.scores = {kept.scores.data<float>(), kept.scores.strides[0], kept.scores.strides[1], 1};
  CheckListsParams params{};
  params.lists = static_cast<int32_t>(call.desc.batch * call.keys.heads);
  params.kept = call.p.kept;
  params.keys = static_cast<int32_t>(call.desc.seq_kv);
  call.check_lists("check_kept_tokens", params, params.lists, CheckKeptTokens::kLists);
}

void describe_intervals(SparseCall& call, SparseAttentionArgs const& args) {
  int const axis = args.scores.rank() - 2;  // of the score heads, in both
  bool const packed = call.desc.packed;
  TensorView const &scores = args.scores, &rows = args.intervals;
  call.p.scores = {scores.data<float>(), packed ? 0 : scores.strides[0], scores.strides[axis],
                   scores.strides[axis + 1]};
  call.p.intervals = {rows.data<int32_t>(), packed ? 0 : rows.strides[0], rows.strides[axis],
                      rows.strides[axis + 1]};
}

BlockListRows block_list_rows(char const* name, BlockLists const& lists) {
  if (!lists.offsets.defined()) return {};
  check(lists.indices.sizes[0] < INT32_MAX, ErrorCode::kUnsupported, name,
        ": lists of 2^31 blocks or more");
  TensorView const& offsets = lists.offsets;
  return {offsets.data<int32_t>(),
          offsets.strides[0],
          offsets.strides[1],
          offsets.strides[2],
          lists.indices.data<int32_t>(),
          lists.indices.strides[0],
          static_cast<int32_t>(lists.indices.sizes[0])};
}

void describe_blocks(SparseCall& call, BlockSparseDesc const& blocks, int64_t query_blocks) {
  SparseAttentionParams& p = call.p;
  AttentionDesc const& desc = call.desc;
  p.block_q = static_cast<int32_t>(std::min(blocks.block_q, std::max<int64_t>(1, desc.seq_q)));
  p.block_k = static_cast<int32_t>(std::min(blocks.block_k, std::max<int64_t>(1, desc.seq_kv)));
  p.query_blocks = static_cast<int32_t>(query_blocks);
  int64_t const lists = checked_multiply(desc.batch * call.keys.heads, query_blocks);
  check(lists <= INT32_MAX, ErrorCode::kUnsupported, call.name, ": ", lists,
        " lists are more than one launch takes; split the batch");
  CheckListsParams params{};
  params.heads = p.heads;
  params.lists = static_cast<int32_t>(lists);
  params.full = p.full;
  params.partial = p.partial;
  params.query_blocks = p.query_blocks;
  params.key_blocks = static_cast<int32_t>((desc.seq_kv + p.block_k - 1) / p.block_k);
  int64_t const table = 4 * std::max<int64_t>(1, params.key_blocks);
  int64_t const multiprocessors = call.job.stream().gpu().facts().multiprocessors;
  int64_t const workers = std::max<int64_t>(
      1,
      std::min({lists, multiprocessors * kWorkersPerMultiprocessor, working_bytes(desc) / table}));
  params.workers = static_cast<int32_t>(workers);
  params.listed = call.job.scratch_of<int32_t>(workers * table / 4);
  call.check_lists("check_block_lists", params, workers, CheckBlockLists::kWorkers);
}

}  // namespace

PendingReports launch_sparse_attention(DeviceJob& job, AttentionDesc const& desc,
                                       SparseAttentionArgs const& args) {
  bool const kept = args.kept.tokens.defined();
  NamedKeys keys;
  keys.naming = kept ? KeyNaming::kKept : KeyNaming::kIntervals;
  keys.heads = kept ? args.kept.scores.sizes[1] : args.scores.sizes[desc.packed ? 0 : 1];
  keys.keep = kept ? args.kept.scores.sizes[2] : args.keep;
  SparseCall call(job, "dynamicMaskAttention", desc, args.dense, keys);
  if (kept) {
    describe_kept(call, args.kept);
  } else {
    call.prepare();
    describe_intervals(call, args);
  }
  if (!call.has_work()) return call.reports;  // of the checks alone
  if (!kept) call.list_keys();
  call.attend();
  return call.reports;
}

PendingReports launch_block_sparse_attention(DeviceJob& job, AttentionDesc const& desc,
                                             BlockSparseDesc const& blocks,
                                             BlockSparseArgs const& args) {
  TensorView const& offsets =
      args.partial.offsets.defined() ? args.partial.offsets : args.full.offsets;
  int64_t const query_blocks = offsets.sizes[2] - 1;
  NamedKeys keys;
  keys.naming = KeyNaming::kBlocks;
  keys.heads = offsets.sizes[1];
  keys.block_q = blocks.block_q;
  BlockListRows const full = block_list_rows("blockSparseAttention", args.full);
  BlockListRows const partial = block_list_rows("blockSparseAttention", args.partial);
  int64_t const lists = std::max<int64_t>(1, desc.batch * keys.heads * query_blocks);
  int64_t const per_list = (int64_t{full.index_count} + partial.index_count + lists - 1) / lists;
  keys.keep = std::max<int64_t>(1, per_list * std::min(blocks.block_k, desc.seq_kv));
  SparseCall call(job, "blockSparseAttention", desc, args.dense, keys);
  call.p.full = full;
  call.p.partial = partial;
  describe_blocks(call, blocks, query_blocks);
  call.prepare();
  if (call.has_work()) call.attend();
  return call.reports;
}

}  // namespace fattn::gpu
