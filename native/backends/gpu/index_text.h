#pragma once

#include <cstdint>
#include <string>

#include "kernels/attention/prepare.h"

namespace fattn::gpu {

/// What the device wrote to the pinned words of a report.
IndexReport read_report(uint32_t const* words);

/// 'kvLengths[3] is 900, expected 0 to 512': the words of the CPU backend.
std::string text_of(IndexReport const& report);

}  // namespace fattn::gpu
