#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

// What this process may use of the machine, and the services the standard library lacks. One
// implementation per operating system, host_*.cpp; the build chooses the file.

namespace fattn::cpu {

/// Physical cores this process may run on: affinity and container quota counted, hyperthreads not.
int available_cores();

/// 'AMD EPYC 9654 96-Core Processor', or the architecture where the system does not tell.
std::string processor_model();

int64_t physical_memory_bytes();  // 0 where unknown

/// All last-level caches that the cores of this process can fill, together; 0 where unknown.
int64_t last_level_cache_bytes();

/// At most 15 characters.
void name_this_thread(char const* name);
/// Asks the scheduler for short turns for the calling thread, at its full share of the core, so
/// that whoever wakes up beside it, the event loop above all, need not wait for long. Measured on
/// two cores beside a call of 300 ms: the longest delay of a timer was mostly 4 ms, a tick, instead
/// of 9; not always.
void take_short_turns();

/// Asks for 2 MiB pages under a block that has not been touched yet. A hint: never fails.
void prefer_huge_pages(void* data, size_t bytes);

}  // namespace fattn::cpu
