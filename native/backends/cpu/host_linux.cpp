#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "backends/cpu/host.h"

namespace fattn::cpu {
namespace {

std::string first_line(std::string const& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Numbers of the CPUs in the affinity mask; empty where the kernel does not tell.
std::vector<int> allowed_cpus() {
  for (int room = 1024; room <= 1 << 16; room *= 2) {  // EINVAL means a mask too small
    cpu_set_t* mask = CPU_ALLOC(room);
    if (mask == nullptr) return {};
    size_t const bytes = CPU_ALLOC_SIZE(room);
    std::vector<int> cpus;
    if (sched_getaffinity(0, bytes, mask) == 0)
      for (int cpu = 0; cpu < room; ++cpu)
        if (CPU_ISSET_S(cpu, bytes, mask)) cpus.push_back(cpu);
    CPU_FREE(mask);
    if (!cpus.empty()) return cpus;
  }
  return {};
}

std::string cpu_folder(int cpu) { return "/sys/devices/system/cpu/cpu" + std::to_string(cpu); }

/// CPUs that share a core have the same list of siblings, so distinct lists are cores.
int allowed_cores() {
  std::vector<int> const cpus = allowed_cpus();
  std::set<std::string> cores;
  for (int cpu : cpus) {
    std::string const siblings = first_line(cpu_folder(cpu) + "/topology/thread_siblings_list");
    cores.insert(siblings.empty() ? std::to_string(cpu) : siblings);
  }
  return static_cast<int>(cores.size());
}

/// Calls visit(folder) for the control group (v2) around this process and for each of its parents:
/// a group may not get more than any of them.
template <class Visit>
void each_control_group(Visit visit) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.rfind("0::", 0) != 0) continue;
    for (std::string group = line.substr(3);;) {
      visit("/sys/fs/cgroup" + group);
      size_t const slash = group.rfind('/');
      if (group.empty() || slash == std::string::npos) break;
      group.resize(slash);
    }
  }
}

/// Quota of the control groups in CPUs, rounded up.
int quota_cores() {
  int least = std::numeric_limits<int>::max();
  each_control_group([&](std::string const& folder) {
    std::istringstream limit(first_line(folder + "/cpu.max"));
    int64_t quota = 0, period = 0;  // 'max 100000' where there is no quota: reading it fails
    if (limit >> quota >> period && quota > 0 && period > 0)
      least = static_cast<int>(std::min<int64_t>(least, (quota + period - 1) / period));
  });
  return least;
}

/// Memory the control groups allow, in bytes.
int64_t quota_memory() {
  int64_t least = std::numeric_limits<int64_t>::max();
  each_control_group([&](std::string const& folder) {
    std::istringstream limit(first_line(folder + "/memory.max"));
    int64_t bytes = 0;  // 'max' where there is no quota: reading it fails
    if (limit >> bytes && bytes > 0) least = std::min(least, bytes);
  });
  return least;
}

/// '32768K', '32M'
int64_t parse_cache_size(std::string const& text) {
  std::istringstream in(text);
  int64_t number = 0;
  char unit = 'K';
  in >> number >> unit;
  return number << (unit == 'M' ? 20 : 10);
}

}  // namespace

int available_cores() {
  int cores = allowed_cores();
  if (cores == 0) cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(cores, quota_cores()));
}

std::string processor_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    size_t const colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  utsname machine{};
  return uname(&machine) == 0 ? machine.machine : "unknown";
}

int64_t physical_memory_bytes() {
  int64_t const pages = sysconf(_SC_PHYS_PAGES);
  int64_t const page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? std::min(pages * page, quota_memory()) : 0;
}

int64_t last_level_cache_bytes() {
  std::set<std::string> seen;  // one entry per cache: its level and the CPUs it serves
  int64_t bytes = 0;
  for (int cpu : allowed_cpus()) {
    std::string last;
    for (int index = 0; index < 10; ++index) {
      std::string const folder = cpu_folder(cpu) + "/cache/index" + std::to_string(index);
      if (first_line(folder + "/level").empty()) break;
      last = folder;  // indices ascend with the levels
    }
    if (last.empty() || !seen.insert(first_line(last + "/shared_cpu_list")).second) continue;
    bytes += parse_cache_size(first_line(last + "/size"));
  }
  return bytes;
}

void name_this_thread(char const* name) { pthread_setname_np(pthread_self(), name); }

/// Linux 6.12 and later take the length of a turn from the field of the deadline policy; older ones
/// ignore it.
void take_short_turns() {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t turn_ns, deadline_ns, period_ns;
  } attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;  // somebody chose otherwise
  attributes.turn_ns = 300'000;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void prefer_huge_pages(void* data, size_t bytes) { madvise(data, bytes, MADV_HUGEPAGE); }

}  // namespace fattn::cpu
