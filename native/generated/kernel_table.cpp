// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu {
namespace instances {

KernelInstance attention_mma16_f16_d32();
KernelInstance attention_mma16_f16_d32_general();
KernelInstance attention_mma16_f16_d64();
KernelInstance attention_mma16_f16_d64_general();
KernelInstance attention_mma16_f16_d96();
KernelInstance attention_mma16_f16_d96_general();
KernelInstance attention_mma16_f16_d128();
KernelInstance attention_mma16_f16_d128_general();
KernelInstance attention_mma16_f16_d192();
KernelInstance attention_mma16_f16_d192_general();
KernelInstance attention_mma16_f16_d256();
KernelInstance attention_mma16_f16_d256_general();
KernelInstance attention_mma16_bf16_d32();
KernelInstance attention_mma16_bf16_d32_general();
KernelInstance attention_mma16_bf16_d64();
KernelInstance attention_mma16_bf16_d64_general();
KernelInstance attention_mma16_bf16_d96();
KernelInstance attention_mma16_bf16_d96_general();
KernelInstance attention_mma16_bf16_d128();
KernelInstance attention_mma16_bf16_d128_general();
KernelInstance attention_mma16_bf16_d192();
KernelInstance attention_mma16_bf16_d192_general();
KernelInstance attention_mma16_bf16_d256();
KernelInstance attention_mma16_bf16_d256_general();
KernelInstance attention_simple_f32();
KernelInstance attention_simple_f16();
KernelInstance attention_simple_bf16();
KernelInstance combine_f32();
KernelInstance combine_f16();
KernelInstance combine_bf16();
KernelInstance sparse_attention_mma16_f16_d64();
KernelInstance sparse_attention_mma16_f16_d128();
KernelInstance sparse_attention_mma16_bf16_d64();
KernelInstance sparse_attention_mma16_bf16_d128();
KernelInstance sparse_attention_simple_f32();
KernelInstance sparse_attention_simple_f16();
KernelInstance sparse_attention_simple_bf16();
KernelInstance list_keys();
KernelInstance check_kept_tokens();
KernelInstance check_block_lists();
KernelInstance report_lists();
KernelInstance prepare();
KernelInstance fill();
KernelInstance randn();
KernelInstance copy();
KernelInstance rope_f32();
KernelInstance rope_f16();
KernelInstance rope_bf16();
KernelInstance rms_norm_f32();
KernelInstance rms_norm_f16();
KernelInstance rms_norm_bf16();
KernelInstance rope_frequencies();
KernelInstance merge_f32();
KernelInstance merge_f16();
KernelInstance merge_bf16();
KernelInstance compressed_conv_mma16_f16_d64();
KernelInstance compressed_conv_mma16_f16_d128();
KernelInstance compressed_conv_mma16_f16_d256();
KernelInstance compressed_conv_mma16_bf16_d64();
KernelInstance compressed_conv_mma16_bf16_d128();
KernelInstance compressed_conv_mma16_bf16_d256();
KernelInstance compressed_conv_prepare_f16();
KernelInstance compressed_conv_prepare_bf16();
KernelInstance compressed_conv_simple_f32();
KernelInstance compressed_conv_simple_f16();
KernelInstance compressed_conv_simple_bf16();
KernelInstance linear_mma16_f16();
KernelInstance linear_mma16_bf16();
KernelInstance linear_simple_f32();
KernelInstance linear_simple_f16();
KernelInstance linear_simple_bf16();
KernelInstance key_scores_f32();
KernelInstance key_scores_f16();
KernelInstance key_scores_bf16();
KernelInstance sort_keys();
KernelInstance merge_keys();
KernelInstance select_keys();
KernelInstance smooth_selection();
KernelInstance append_scores();

}  // namespace instances

namespace {

constexpr KernelRow kRows[] = {
    {"attention_mma16_f16_d32", "attention", "mma16", DType::f16,
     32, true, 80, instances::attention_mma16_f16_d32},
    {"attention_mma16_f16_d32_general", "attention", "mma16", DType::f16,
     32, false, 80, instances::attention_mma16_f16_d32_general},
    {"attention_mma16_f16_d64", "attention", "mma16", DType::f16,
     64, true, 80, instances::attention_mma16_f16_d64},
    {"attention_mma16_f16_d64_general", "attention", "mma16", DType::f16,
     64, false, 80, instances::attention_mma16_f16_d64_general},
    {"attention_mma16_f16_d96", "attention", "mma16", DType::f16,
     96, true, 80, instances::attention_mma16_f16_d96},
    {"attention_mma16_f16_d96_general", "attention", "mma16", DType::f16,
     96, false, 80, instances::attention_mma16_f16_d96_general},
    {"attention_mma16_f16_d128", "attention", "mma16", DType::f16,
     128, true, 80, instances::attention_mma16_f16_d128},
    {"attention_mma16_f16_d128_general", "attention", "mma16", DType::f16,
     128, false, 80, instances::attention_mma16_f16_d128_general},
    {"attention_mma16_f16_d192", "attention", "mma16", DType::f16,
     192, true, 80, instances::attention_mma16_f16_d192},
    {"attention_mma16_f16_d192_general", "attention", "mma16", DType::f16,
     192, false, 80, instances::attention_mma16_f16_d192_general},
    {"attention_mma16_f16_d256", "attention", "mma16", DType::f16,
     256, true, 80, instances::attention_mma16_f16_d256},
    {"attention_mma16_f16_d256_general", "attention", "mma16", DType::f16,
     256, false, 80, instances::attention_mma16_f16_d256_general},
    {"attention_mma16_bf16_d32", "attention", "mma16", DType::bf16,
     32, true, 80, instances::attention_mma16_bf16_d32},
    {"attention_mma16_bf16_d32_general", "attention", "mma16", DType::bf16,
     32, false, 80, instances::attention_mma16_bf16_d32_general},
    {"attention_mma16_bf16_d64", "attention", "mma16", DType::bf16,
     64, true, 80, instances::attention_mma16_bf16_d64},
    {"attention_mma16_bf16_d64_general", "attention", "mma16", DType::bf16,
     64, false, 80, instances::attention_mma16_bf16_d64_general},
    {"attention_mma16_bf16_d96", "attention", "mma16", DType::bf16,
     96, true, 80, instances::attention_mma16_bf16_d96},
    {"attention_mma16_bf16_d96_general", "attention", "mma16", DType::bf16,
     96, false, 80, instances::attention_mma16_bf16_d96_general},
    {"attention_mma16_bf16_d128", "attention", "mma16", DType::bf16,
     128, true, 80, instances::attention_mma16_bf16_d128},
    {"attention_mma16_bf16_d128_general", "attention", "mma16", DType::bf16,
     128, false, 80, instances::attention_mma16_bf16_d128_general},
    {"attention_mma16_bf16_d192", "attention", "mma16", DType::bf16,
     192, true, 80, instances::attention_mma16_bf16_d192},
    {"attention_mma16_bf16_d192_general", "attention", "mma16", DType::bf16,
     192, false, 80, instances::attention_mma16_bf16_d192_general},
    {"attention_mma16_bf16_d256", "attention", "mma16", DType::bf16,
     256, true, 80, instances::attention_mma16_bf16_d256},
    {"attention_mma16_bf16_d256_general", "attention", "mma16", DType::bf16,
     256, false, 80, instances::attention_mma16_bf16_d256_general},
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
    {"sparse_attention_mma16_f16_d64", "sparse_attention", "mma16", DType::f16,
     64, false, 80, instances::sparse_attention_mma16_f16_d64},
    {"sparse_attention_mma16_f16_d128", "sparse_attention", "mma16", DType::f16,
     128, false, 80, instances::sparse_attention_mma16_f16_d128},
    {"sparse_attention_mma16_bf16_d64", "sparse_attention", "mma16", DType::bf16,
     64, false, 80, instances::sparse_attention_mma16_bf16_d64},
    {"sparse_attention_mma16_bf16_d128", "sparse_attention", "mma16", DType::bf16,
     128, false, 80, instances::sparse_attention_mma16_bf16_d128},
    {"sparse_attention_simple_f32", "sparse_attention", "simple", DType::f32,
     0, false, 80, instances::sparse_attention_simple_f32},
    {"sparse_attention_simple_f16", "sparse_attention", "simple", DType::f16,
     0, false, 80, instances::sparse_attention_simple_f16},
    {"sparse_attention_simple_bf16", "sparse_attention", "simple", DType::bf16,
     0, false, 80, instances::sparse_attention_simple_bf16},
    {"list_keys", "list_keys", "", std::nullopt,
     0, false, 80, instances::list_keys},
    {"check_kept_tokens", "check_kept_tokens", "", std::nullopt,
     0, false, 80, instances::check_kept_tokens},
    {"check_block_lists", "check_block_lists", "", std::nullopt,
     0, false, 80, instances::check_block_lists},
    {"report_lists", "report_lists", "", std::nullopt,
     0, false, 80, instances::report_lists},
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
    {"rms_norm_f32", "rms_norm", "", DType::f32,
     0, false, 80, instances::rms_norm_f32},
    {"rms_norm_f16", "rms_norm", "", DType::f16,
     0, false, 80, instances::rms_norm_f16},
    {"rms_norm_bf16", "rms_norm", "", DType::bf16,
     0, false, 80, instances::rms_norm_bf16},
    {"rope_frequencies", "rope_frequencies", "", std::nullopt,
     0, false, 80, instances::rope_frequencies},
    {"merge_f32", "merge", "", DType::f32,
     0, false, 80, instances::merge_f32},
    {"merge_f16", "merge", "", DType::f16,
     0, false, 80, instances::merge_f16},
    {"merge_bf16", "merge", "", DType::bf16,
     0, false, 80, instances::merge_bf16},
    {"compressed_conv_mma16_f16_d64", "compressed_conv", "mma16", DType::f16,
     64, false, 80, instances::compressed_conv_mma16_f16_d64},
    {"compressed_conv_mma16_f16_d128", "compressed_conv", "mma16", DType::f16,
     128, false, 80, instances::compressed_conv_mma16_f16_d128},
    {"compressed_conv_mma16_f16_d256", "compressed_conv", "mma16", DType::f16,
     256, false, 80, instances::compressed_conv_mma16_f16_d256},
    {"compressed_conv_mma16_bf16_d64", "compressed_conv", "mma16", DType::bf16,
     64, false, 80, instances::compressed_conv_mma16_bf16_d64},
    {"compressed_conv_mma16_bf16_d128", "compressed_conv", "mma16", DType::bf16,
     128, false, 80, instances::compressed_conv_mma16_bf16_d128},
    {"compressed_conv_mma16_bf16_d256", "compressed_conv", "mma16", DType::bf16,
     256, false, 80, instances::compressed_conv_mma16_bf16_d256},
    {"compressed_conv_prepare_f16", "compressed_conv_prepare", "", DType::f16,
     0, false, 80, instances::compressed_conv_prepare_f16},
    {"compressed_conv_prepare_bf16", "compressed_conv_prepare", "", DType::bf16,
     0, false, 80, instances::compressed_conv_prepare_bf16},
    {"compressed_conv_simple_f32", "compressed_conv", "simple", DType::f32,
     0, false, 80, instances::compressed_conv_simple_f32},
    {"compressed_conv_simple_f16", "compressed_conv", "simple", DType::f16,
     0, false, 80, instances::compressed_conv_simple_f16},
    {"compressed_conv_simple_bf16", "compressed_conv", "simple", DType::bf16,
     0, false, 80, instances::compressed_conv_simple_bf16},
    {"linear_mma16_f16", "linear", "mma16", DType::f16,
     0, false, 80, instances::linear_mma16_f16},
    {"linear_mma16_bf16", "linear", "mma16", DType::bf16,
     0, false, 80, instances::linear_mma16_bf16},
    {"linear_simple_f32", "linear", "simple", DType::f32,
     0, false, 80, instances::linear_simple_f32},
    {"linear_simple_f16", "linear", "simple", DType::f16,
     0, false, 80, instances::linear_simple_f16},
    {"linear_simple_bf16", "linear", "simple", DType::bf16,
     0, false, 80, instances::linear_simple_bf16},
    {"key_scores_f32", "key_scores", "", DType::f32,
     0, false, 80, instances::key_scores_f32},
    {"key_scores_f16", "key_scores", "", DType::f16,
     0, false, 80, instances::key_scores_f16},
    {"key_scores_bf16", "key_scores", "", DType::bf16,
     0, false, 80, instances::key_scores_bf16},
    {"sort_keys", "sort_keys", "", std::nullopt,
     0, false, 80, instances::sort_keys},
    {"merge_keys", "merge_keys", "", std::nullopt,
     0, false, 80, instances::merge_keys},
    {"select_keys", "select_keys", "", std::nullopt,
     0, false, 80, instances::select_keys},
    {"smooth_selection", "smooth_selection", "", std::nullopt,
     0, false, 80, instances::smooth_selection},
    {"append_scores", "append_scores", "", std::nullopt,
     0, false, 80, instances::append_scores},
};

}  // namespace

std::span<KernelRow const> kernel_rows() { return kRows; }

}  // namespace fattn::gpu
