#include "simt/host/register_file.h"

#include <algorithm>

namespace fattn::simt::host {
namespace {

constexpr int kRegisters = 65536;  // of a multiprocessor
constexpr int kMost = 256, kLeast = 24;

}  // namespace

RegisterFile::RegisterFile(Block& block) : block_(block) {
  int const each = std::min(kMost, kRegisters / block.threads() / 8 * 8);
  for (int i = 0; i < block.threads() / kWarpgroupSize; ++i) {
    auto& share = shares_.emplace_back();
    share.file = this;
    share.index = i;
    share.registers = share.wanted = each;
  }
}

std::string RegisterFile::Share::name() const {
  return "raise_registers<" + std::to_string(wanted) + "> of warpgroup " + std::to_string(index);
}

std::string RegisterFile::Share::lacks() const {
  return "which needs " + std::to_string(missing()) + " more registers, of which " +
         std::to_string(file->free_) + " are free";
}

void RegisterFile::lower(int registers) {
  static constexpr Primitive kLower{"lower_registers"};
  come(kLower, registers, false);
}

void RegisterFile::raise(int registers) {
  static constexpr Primitive kRaise{"raise_registers"};
  come(kRaise, registers, true);
}

void RegisterFile::come(Primitive const& primitive, int registers, bool raises) {
  if (registers % 8 != 0 || registers < kLeast || registers > kMost)
    block_.fail("asks for " + std::to_string(registers) +
                " registers, expected a multiple of 8 from 24 to 256");
  char nothing;
  Meeting& meeting = warpgroup_meeting();  // fails where there is no whole warpgroup
  auto& share = shares_[static_cast<size_t>(block_.self() / kWarpgroupSize)];
  meeting.meet(primitive, registers, &nothing, &nothing, [&](auto, auto) {
    if (raises ? registers < share.registers : registers > share.registers)
      block_.fail("comes to " + std::string(primitive.name) + "<" + std::to_string(registers) +
                  "> with " + std::to_string(share.registers) + " registers");
    share.wanted = registers;
    grant();
  });
  if (share.registers == share.wanted) return;
  share.waiting.push_back(block_.self());
  block_.park(share);
}

/// To whoever's wish can be met, in the order of the warpgroups.
void RegisterFile::grant() {
  for (auto& share : shares_)
    if (share.missing() < 0) {
      free_ -= share.missing();
      share.registers = share.wanted;
    }
  for (auto& share : shares_) {
    if (share.missing() <= 0 || share.missing() > free_) continue;
    free_ -= share.missing();
    share.registers = share.wanted;
    for (int const thread : share.waiting) block_.wake(thread);
    share.waiting.clear();
  }
}

}  // namespace fattn::simt::host
