#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fattn::cpu {

struct AttentionPlan;
struct AttentionTask;
struct ConvPlan;
struct ConvTask;
struct LinearPlan;
struct LinearTask;

/// What one instruction path offers: filled by the translation unit compiled for it, so that
/// nothing else in the program is compiled with its flags. One algorithm, one table per path.
struct KernelTable {
  char const* path;  // 'avx512bf16'
  int lanes;         // f32 elements per vector
  bool bf16_dot;     // has the bf16 dot product

  /// One task of a planned attention call; `scratch` holds as many bytes as the plan says, 64-byte
  /// aligned.
  void (*prefill)(AttentionPlan const& plan, AttentionTask const& task, void* scratch);
  void (*decode)(AttentionPlan const& plan, AttentionTask const& task, void* scratch);
  /// Merges the partial states of rows [task.row_begin, task.row_end) of output head
  /// task.head_begin.
  void (*combine)(AttentionPlan const& plan, AttentionTask const& task, void* scratch);

  /// One task of the prologue of compressed convolutional attention.
  void (*compressed_conv)(ConvPlan const& plan, ConvTask const& task, void* scratch);
  /// One task of a planned matrix product: of many rows, of few.
  void (*linear_panels)(LinearPlan const& plan, LinearTask const& task, void* scratch);
  void (*linear_stream)(LinearPlan const& plan, LinearTask const& task, void* scratch);

  /// Register-only multiply-adds; returns the floating point operations done. For measuring
  /// ceilings.
  double (*burn_f32)(int64_t rounds);
  double (*burn_bf16)(int64_t rounds);  // null where bf16_dot is false
  /// Reads `bytes` (a multiple of 1024) once; returns a checksum so that nothing is optimised away.
  uint64_t (*read_through)(void const* data, int64_t bytes);
};

/// The table in use: the best this machine runs, or the one FUSED_ATTENTION_CPU_LEVEL names.
/// Throws ERR_UNSUPPORTED for a name that is unknown or that this machine or build cannot run.
KernelTable const& active_kernels();

/// The table of a path; throws ERR_UNSUPPORTED for a name that is unknown or cannot run here.
KernelTable const& kernels_of(std::string_view path);

/// Every path that is compiled in and that this machine can run, best last.
std::vector<std::string> available_paths();

/// Every path that is compiled in.
std::vector<std::string> compiled_paths();

}  // namespace fattn::cpu
