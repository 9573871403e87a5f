#include "simt/host/ranges.h"

namespace fattn::simt::host {

std::string ranges(std::vector<int> const& numbers) {
  std::string text;
  for (size_t first = 0; first < numbers.size();) {
    size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[first]);
    if (last > first) text.append("-").append(std::to_string(numbers[last]));
    first = last + 1;
  }
  return text;
}

std::vector<int> set_bits(uint32_t mask) {
  std::vector<int> numbers;
  for (int bit = 0; bit < 32; ++bit)
    if ((mask >> bit & 1) != 0) numbers.push_back(bit);
  return numbers;
}

}  // namespace fattn::simt::host
