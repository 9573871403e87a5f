#include "backends/gpu/index_text.h"

#include <cstring>
#include <sstream>

#include "backends/gpu/words.h"

namespace fattn::gpu {
namespace {

constexpr char const* kNames[] = {"headMap.k",     "headMap.v",  "window.left", "window.right",
                                  "sinkTokens",    "cuSeqLensQ", "cuSeqLensK",  "kvLengths",
                                  "prefixLengths", "cuSeqLens",  "lengths",     "kept"};
static_assert(std::size(kNames) == static_cast<size_t>(IndexTensor::kCount));

/// The words of the CPU backend about lists of keys.
std::string text_of_list(IndexReport const& report) {
  std::ostringstream text;
  char const* const name = report.lists == KeyLists::kFull ? "full" : "partial";
  switch (report.mistake) {
    case IndexMistake::kCount:
      text << "the state counts " << report.value << " tokens";
      break;
    case IndexMistake::kToken:
      text << "the state keeps token " << report.value << " of " << report.most << " keys";
      break;
    case IndexMistake::kFalling:
      text << name << ".offsets[" << report.batch << ", " << report.head << ", " << report.position
           << "] to the next is " << report.value << " to " << report.most
           << ", expected within 0 to " << report.least << ", not falling";
      break;
    case IndexMistake::kTwice:
      text << name << ".indices[" << report.position << "] lists block " << report.value
           << " a second time";
      break;
    case IndexMistake::kOutside:
      text << name << ".indices[" << report.position << "] is " << report.value
           << ", expected 0 to " << report.most;
      break;
  }
  return text.str();
}

}  // namespace

static_assert(sizeof(IndexReport) <= Words::kWords * sizeof(uint32_t));

IndexReport read_report(uint32_t const* words) {
  IndexReport report;
  std::memcpy(static_cast<void*>(&report), words, sizeof report);
  return report;
}

std::string text_of(IndexReport const& report) {
  if (report.lists != KeyLists::kNone) return text_of_list(report);
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
