#include "simt/host/shared_window.h"

#include <cstring>

#include "simt/host/block.h"

namespace fattn::simt::host {
namespace {

constexpr std::byte kNaNByte{0xff};  // 0xffff… is NaN in f16, bf16, f32 and f64

std::string described(Access const& access, int size) {
  return std::string(name_of(access.kind)) + " of " + std::to_string(size) + " bytes";
}

}  // namespace

void SharedWindow::reset(int bytes, uint32_t address) {
  int const rounded = (bytes + 15) / 16 * 16;
  bytes_.assign(static_cast<size_t>(rounded), kNaNByte);
  size_ = bytes;
  address_ = address;
  shadow_.reset(rounded);
}

int SharedWindow::offset_of(Block const& block, Access const& access, uint32_t address, int size,
                            int alignment) const {
  auto const offset = int64_t{address} - int64_t{address_};
  if (offset < 0 || offset + size > size_)
    block.fail(access.thread, described(access, size) + " at offset " + std::to_string(offset) +
                                  " lies outside the " + std::to_string(size_) +
                                  " bytes of shared memory");
  if (offset % alignment != 0)
    block.fail(access.thread, described(access, size) + " at offset " + std::to_string(offset) +
                                  " of shared memory is not aligned to " +
                                  std::to_string(alignment) + " bytes");
  return static_cast<int>(offset);
}

void SharedWindow::check(Block const& block, Access const& access, int offset, int size,
                         Mistake const& mistake) const {
  if (!mistake) return;
  std::string const what =
      described(access, size) + " at offset " + std::to_string(offset) + " of shared memory ";
  if (mistake.verdict == Verdict::kUnwritten)
    block.fail(access.thread, what + "reads what nobody has written");
  std::string const other = block.name_of_actor(mistake.other);
  if (mistake.verdict == Verdict::kInFlight)
    block.fail(access.thread, what + "touches " + unfinished_text(mistake.other_kind) +
                                  " (issued by " + other + ")");
  std::string const earlier = std::string("the ") + name_of(mistake.other_kind) + " by " + other;
  if (mistake.verdict == Verdict::kUnfenced)
    block.fail(access.thread, what + "through the async proxy follows " + earlier +
                                  " through the generic one, with no proxy fence between");
  std::string const ending = ending_text(mistake.other_kind);
  block.fail(access.thread, what + "races with " + earlier + ": nothing orders the two" +
                                (ending.empty() ? "" : ", " + ending + " would"));
}

void SharedWindow::load(Block& block, Access const& access, uint32_t address, int size,
                        void* value) {
  int const offset = offset_of(block, access, address, size, size);
  check(block, access, offset, size, shadow_.read(block.knowledge(), access, offset, size));
  std::memcpy(value, bytes_at(offset), static_cast<size_t>(size));
}

void SharedWindow::store(Block& block, Access const& access, uint32_t address, int size,
                         void const* value) {
  int const offset = offset_of(block, access, address, size, size);
  check(block, access, offset, size, shadow_.write(block.knowledge(), access, offset, size));
  std::memcpy(bytes_at(offset), value, static_cast<size_t>(size));
}

void SharedWindow::load(Block& block, AccessKind kind, uint32_t address, int size, void* value) {
  load(block, Access{block.self(), block.self(), kind}, address, size, value);
}

void SharedWindow::store(Block& block, AccessKind kind, uint32_t address, int size,
                         void const* value) {
  store(block, Access{block.self(), block.self(), kind}, address, size, value);
}

}  // namespace fattn::simt::host
