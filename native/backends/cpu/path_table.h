// The kernel table of one instruction path. Included once per kernels_*.cpp, compiled with that
// path's flags.
#pragma once

#include "backends/cpu/attention/decode.h"
#include "backends/cpu/attention/prefill.h"
#include "backends/cpu/compressed_conv/prologue.h"
#include "backends/cpu/dynamic_mask/gathered_keys.h"
#include "backends/cpu/kernel_table.h"
#include "backends/cpu/linear/panels.h"
#include "backends/cpu/linear/stream.h"

namespace fattn::cpu {

template <class Isa, class Keys>
void run_prefill_of(AttentionPlan const& plan, AttentionTask const& task, void* scratch) {
  if constexpr (Isa::kBf16Dot) {
    if (plan.bf16_dot) return Prefill<Isa, Bf16Product<Isa>, Keys>::run(plan, task, scratch);
  }
  Prefill<Isa, F32Product<Isa>, Keys>::run(plan, task, scratch);
}

template <class Isa>
void run_prefill(AttentionPlan const& plan, AttentionTask const& task, void* scratch) {
  if (plan.sparse) return run_prefill_of<Isa, GatheredKeys<Isa>>(plan, task, scratch);
  run_prefill_of<Isa, ContiguousKeys<Isa>>(plan, task, scratch);
}

template <class Isa>
void run_decode(AttentionPlan const& plan, AttentionTask const& task, void* scratch) {
  Decode<Isa>::run(plan, task, scratch);
}

/// Merges rows [task.row_begin, row_end) of head task.head_begin; scratch holds one row of dV.
template <class Isa>
void run_combine(AttentionPlan const& plan, AttentionTask const& task, void* scratch) {
  for (int query = task.row_begin; query < task.row_end; ++query) {
    combine_row<Isa>(plan, task.sequence, task.head_begin, query, static_cast<float*>(scratch));
  }
}

template <class Isa>
void run_linear_panels(LinearPlan const& plan, LinearTask const& task, void* scratch) {
  if constexpr (Isa::kBf16Dot) {
    if (plan.bf16_dot) return LinearPanels<Isa, Bf16Product<Isa>>::run(plan, task, scratch);
  }
  LinearPanels<Isa, F32Product<Isa>>::run(plan, task, scratch);
}

template <class Isa>
void run_linear_stream(LinearPlan const& plan, LinearTask const& task, void* scratch) {
  with_source<Isa>(plan.dtype,
                   [&]<class Source>() { LinearStream<Isa, Source>::run(plan, task, scratch); });
}

/// Twelve independent chains of one step each in registers: what no kernel can exceed. `step` takes
/// and returns a chain; `flops` is what one step does.
template <class Isa, class Step>
[[gnu::always_inline]] inline double burn(int64_t rounds, double flops, Step step) {
  constexpr int kChains = 12;
  typename Isa::F chain[kChains];
  FATTN_UNROLL for (int i = 0; i < kChains; ++i) chain[i] = Isa::set1(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
    FATTN_UNROLL for (int i = 0; i < kChains; ++i) chain[i] = step(chain[i]);
  }
  typename Isa::F sum = chain[0];
  FATTN_UNROLL for (int i = 1; i < kChains; ++i) sum += chain[i];
  float volatile kept = sum[0];
  (void)kept;
  return flops * kChains * static_cast<double>(rounds);
}

template <class Isa>
double burn_f32(int64_t rounds) {
  float volatile half = 0.5f, one = 1.0f;
  auto const factor = Isa::set1(half), addend = Isa::set1(one);
  return burn<Isa>(rounds, 2.0 * Isa::kLanes, [&](typename Isa::F x) [[gnu::always_inline]] {
    return Isa::fma(x, factor, addend);
  });
}

template <class Isa>
double burn_bf16(int64_t rounds) {
  int32_t volatile ones = 0x3f803f80;
  auto const pair = Isa::set1(ones);
  return burn<Isa>(rounds, 4.0 * Isa::kLanes, [&](typename Isa::F x) [[gnu::always_inline]] {
    return Isa::dot(pair, pair, x);
  });
}

template <class Isa>
uint64_t read_through(void const* data, int64_t bytes) {
  using U = typename Isa::U;
  auto const* p = static_cast<int32_t const*>(data);
  U sum[4] = {};
  for (int64_t i = 0; i < bytes / 4; i += 4 * Isa::kLanes) {
    FATTN_UNROLL for (int n = 0; n < 4; ++n) sum[n] += (U)Isa::load(p + i + n * Isa::kLanes);
  }
  U const total = sum[0] + sum[1] + sum[2] + sum[3];
  uint64_t checksum = 0;
  for (int i = 0; i < Isa::kLanes; ++i) checksum += total[i];
  return checksum;
}

template <class Isa>
constexpr KernelTable kernel_table(char const* path) {
  KernelTable table{};
  table.path = path;
  table.lanes = Isa::kLanes;
  table.bf16_dot = Isa::kBf16Dot;
  table.prefill = run_prefill<Isa>;
  table.decode = run_decode<Isa>;
  table.combine = run_combine<Isa>;
  table.compressed_conv = run_conv_tile<Isa>;
  table.linear_panels = run_linear_panels<Isa>;
  table.linear_stream = run_linear_stream<Isa>;
  table.burn_f32 = burn_f32<Isa>;
  if constexpr (Isa::kBf16Dot) table.burn_bf16 = burn_bf16<Isa>;
  table.read_through = read_through<Isa>;
  return table;
}

}  // namespace fattn::cpu
