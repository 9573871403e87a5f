// Numbers of threads and lanes in messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fattn::simt::host {

/// Ascending numbers as "0-31, 40".
std::string ranges(std::vector<int> const& numbers);
/// The numbers of the set bits.
std::vector<int> set_bits(uint32_t mask);

}  // namespace fattn::simt::host
