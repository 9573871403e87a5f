#pragma once

#include <bit>
#include <type_traits>

#include "simt/host/block.h"
#include "simt/shared.h"

namespace fattn::simt {

template <class T>
inline T Shared<T>::load(int index) const {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16 &&
                std::has_single_bit(sizeof(T)));
  T value;
  host::Block& block = host::block();
  block.memory().load(block, host::AccessKind::kLoad, (*this + index).address, sizeof(T), &value);
  return value;
}

template <class T>
inline void Shared<T>::store(int index, T value) const {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16 &&
                std::has_single_bit(sizeof(T)));
  host::Block& block = host::block();
  block.memory().store(block, host::AccessKind::kStore, (*this + index).address, sizeof(T), &value);
}

}  // namespace fattn::simt
