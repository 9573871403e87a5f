// Systems other than Linux: the standard library's answers, and none where it has none.
#include <algorithm>
#include <thread>

#include "backends/cpu/host.h"

namespace fattn::cpu {

int available_cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

std::string processor_model() { return "unknown"; }

int64_t physical_memory_bytes() { return 0; }

int64_t last_level_cache_bytes() { return 0; }

void name_this_thread(char const*) {}
void take_short_turns() {}

void prefer_huge_pages(void*, size_t) {}

}  // namespace fattn::cpu
