// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu {
namespace instances {

KernelInstance attention_simple_f32();
KernelInstance attention_simple_f16();
KernelInstance attention_simple_bf16();
KernelInstance combine_f32();
KernelInstance combine_f16();
KernelInstance combine_bf16();
KernelInstance prepare();
KernelInstance fill();
KernelInstance randn();
KernelInstance copy();
KernelInstance rope_f32();
KernelInstance rope_f16();
KernelInstance rope_bf16();
KernelInstance rope_frequencies();
KernelInstance merge_f32();
KernelInstance merge_f16();
KernelInstance merge_bf16();

}  // namespace instances

namespace {

constexpr KernelRow kRows[] = {
    {"attention_simple_f32", "attention", "simple", DType::f32,
     0, false, 80, instances::attention_simple_f32},
    {"attention_simple_f16", "attention", "simple", DType::f16,
     0, false, 80, instances::attention_simple_f16},
    {"attention_simple_bf16", "attention", "simple", DType::bf16,
     0, false, 80, instances::attention_simple_bf16},
    {"combine_f32", "combine", "", DType::f32,
     0, false, 80, instances::combine_f32},
    {"combine_f16", "combine", "", DType::f16,
     0, false, 80, instances::combine_f16},
    {"combine_bf16", "combine", "", DType::bf16,
     0, false, 80, instances::combine_bf16},
    {"prepare", "prepare", "", std::nullopt,
     0, false, 80, instances::prepare},
    {"fill", "fill", "", std::nullopt,
     0, false, 80, instances::fill},
    {"randn", "randn", "", std::nullopt,
     0, false, 80, instances::randn},
    {"copy", "copy", "", std::nullopt,
     0, false, 80, instances::copy},
    {"rope_f32", "rope", "", DType::f32,
     0, false, 80, instances::rope_f32},
    {"rope_f16", "rope", "", DType::f16,
     0, false, 80, instances::rope_f16},
    {"rope_bf16", "rope", "", DType::bf16,
     0, false, 80, instances::rope_bf16},
    {"rope_frequencies", "rope_frequencies", "", std::nullopt,
     0, false, 80, instances::rope_frequencies},
    {"merge_f32", "merge", "", DType::f32,
     0, false, 80, instances::merge_f32},
    {"merge_f16", "merge", "", DType::f16,
     0, false, 80, instances::merge_f16},
    {"merge_bf16", "merge", "", DType::bf16,
     0, false, 80, instances::merge_bf16},
};

}  // namespace

std::span<KernelRow const> kernel_rows() { return kRows; }

}  // namespace fattn::gpu
