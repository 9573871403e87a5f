#include "backends/gpu/index_job.h"

#include "backends/gpu/elementwise.h"
#include "backends/gpu/kernel_row.h"
#include "kernels/attention/prepare.h"

namespace fattn::gpu {
namespace {

using Args = AttentionArgs;

/// Where the tensor of a call is, and where the kernels look for its copy.
struct IndexPlace {
  IndexTensor tensor;
  TensorView Args::*source;
  int32_t const* Indices::*copy;
};

constexpr IndexPlace kPlaces[] = {
    {IndexTensor::kHeadMapK, &Args::head_map_k, &Indices::k_heads},
    {IndexTensor::kHeadMapV, &Args::head_map_v, &Indices::v_heads},
    {IndexTensor::kWindowLeft, &Args::window_left, &Indices::window_left},
    {IndexTensor::kWindowRight, &Args::window_right, &Indices::window_right},
    {IndexTensor::kSinkTokens, &Args::sink_tokens, &Indices::sink_tokens},
    {IndexTensor::kCuSeqLensQ, &Args::cu_seq_lens_q, &Indices::starts_q},
    {IndexTensor::kCuSeqLensK, &Args::cu_seq_lens_k, &Indices::starts_k},
    {IndexTensor::kKvLengths, &Args::kv_lengths, &Indices::kv_lengths},
    {IndexTensor::kPrefixLengths, &Args::prefix_lengths, &Indices::prefixes},
};
static_assert(std::size(kPlaces) == static_cast<size_t>(IndexTensor::kCuSeqLens));

/// Elements of a copy: those of cuSeqLens… get one more.
int64_t copied(IndexTensor tensor, TensorView const& view) {
  bool const starts = tensor == IndexTensor::kCuSeqLensQ || tensor == IndexTensor::kCuSeqLensK;
  return view.elements() + (starts ? 1 : 0);
}

}  // namespace

std::shared_ptr<PendingReport> launch_prepare(DeviceJob& job, AttentionDesc const& desc,
                                              AttentionArgs const& args, Indices& indices,
                                              char const* operation) {
  int64_t total = 0;
  for (IndexPlace const& place : kPlaces)
    if ((args.*place.source).defined()) total += copied(place.tensor, args.*place.source);
  if (total == 0) return nullptr;

  PrepareParams params{};
  auto* next = job.scratch_of<int32_t>(total);
  for (IndexPlace const& place : kPlaces) {
    TensorView const& view = args.*place.source;
    if (!view.defined() || view.elements() == 0) continue;
    params.tensors[static_cast<int>(place.tensor)] = {view.data<int32_t>(), view.strides[0],
                                                      static_cast<int32_t>(view.elements()), next};
    indices.*place.copy = next;
    next += copied(place.tensor, view);
  }
  params.heads_k = static_cast<int32_t>(desc.heads_k);
  params.heads_v = static_cast<int32_t>(desc.heads_v);
  params.seq_q = static_cast<int32_t>(desc.seq_q);
  params.seq_kv = static_cast<int32_t>(desc.seq_kv);
  auto report = std::make_shared<PendingReport>(job.stream().queue(), operation);
  params.report = reinterpret_cast<IndexReport*>(report->words());
  job.launch(kernel_row("prepare").instance().kernel, {}, params);
  report->set_position(job.position());
  return report;
}

}  // namespace fattn::gpu
