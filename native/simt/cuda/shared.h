// simt/shared.h on CUDA. The conversion from the shared window lets the compiler see the address
// space: an access becomes one LDS or STS of the width of T, with constant offsets in the
// instruction.
#pragma once

#include "simt/cuda/bits.h"
#include "simt/shared.h"

namespace fattn::simt {

template <int kBytes>
struct SharedWord;
template <>
struct SharedWord<1> {
  using Type = unsigned char;
};
template <>
struct SharedWord<2> {
  using Type = unsigned short;
};
template <>
struct SharedWord<4> {
  using Type = unsigned int;
};
template <>
struct SharedWord<8> {
  using Type = uint2;
};
template <>
struct SharedWord<16> {
  using Type = uint4;
};

template <class T>
FATTN_DEVICE T Shared<T>::load(int index) const {
  using Word = typename SharedWord<sizeof(T)>::Type;
  auto const* words = static_cast<Word const*>(__cvta_shared_to_generic(address));
  Word const word = words[index];  // a copy straight from there would go byte by byte
  return same_bits<T>(word);
}

template <class T>
FATTN_DEVICE void Shared<T>::store(int index, T value) const {
  using Word = typename SharedWord<sizeof(T)>::Type;
  auto* words = static_cast<Word*>(__cvta_shared_to_generic(address));
  words[index] = same_bits<Word>(value);
}

}  // namespace fattn::simt
