// Cutting a call into tasks for threads.
#pragma once

#include "backends/cpu/attention/planner.h"

namespace fattn::cpu {

// The kernel a sequence goes to, and the cutting of its keys, depend on shapes alone: bits must not
// depend on the batch it is in or the threads that compute it.

/// Whether the decode kernel serves the sequence; `largest_group` is the most heads that share keys
/// and values.
bool decodes(Sequence const& s, int32_t largest_group);
/// Into how many chunks its keys are cut, each with a partial state of its own.
int32_t chunks_of(Sequence const& s, int32_t largest_group);

/// Fills the lists of tasks and the scratch sizes of a described call.
void cut_tasks(PlannedAttention& planned, AttentionDesc const& desc, int threads);

}  // namespace fattn::cpu
