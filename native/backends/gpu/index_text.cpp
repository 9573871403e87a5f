#include "backends/gpu/index_text.h"

#include <cstring>
#include <sstream>

namespace fattn::gpu {
namespace {

constexpr char const* kNames[] = {"headMap.k",     "headMap.v",  "window.left", "window.right",
                                  "sinkTokens",    "cuSeqLensQ", "cuSeqLensK",  "kvLengths",
                                  "prefixLengths", "cuSeqLens",  "lengths",     "kept"};
static_assert(std::size(kNames) == static_cast<size_t>(IndexTensor::kCount));

}  // namespace

IndexReport read_report(uint32_t const* words) {
  IndexReport report;
  std::memcpy(&report, words, sizeof report);
  return report;
}

std::string text_of(IndexReport const& report) {
  std::ostringstream text;
  if (report.tensor == IndexTensor::kKeptTokens) {
    text << "the state counts " << report.value << " tokens";
    return text.str();
  }
  text << kNames[static_cast<size_t>(report.tensor)] << "[" << report.position << "] is "
       << report.value << ", expected ";
  if (report.most == INT32_MAX)
    text << "at least " << report.least;
  else
    text << report.least << " to " << report.most;
  return text.str();
}

}  // namespace fattn::gpu
