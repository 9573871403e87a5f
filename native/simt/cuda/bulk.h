// simt/bulk.h on CUDA. The forms of a tile differ in their number of coordinates.
#pragma once

#include "simt/bulk.h"
#include "simt/cuda/architecture.h"

namespace fattn::simt {

// Without side effects, so that the compiler may keep the policy in a register.
template <CacheHint kHint>
FATTN_DEVICE uint64_t cache_policy() {
  uint64_t policy = 0;
  if constexpr (kHasSm90 && kHint == CacheHint::kEvictFirst)
    asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  else if constexpr (kHasSm90 && kHint == CacheHint::kEvictLast)
    asm("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
  else if constexpr (kHasSm90)
    asm("createpolicy.fractional.L2::evict_normal.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}

template <CacheHint kHint, int kRank>
FATTN_DEVICE void load_tile(Shared<Quad> target, TensorMap const& map, int const (&at)[kRank],
                            Shared<MBarrier> barrier) {
  static_assert(kRank >= 1 && kRank <= TileDescription::kMaxRank);
  uint64_t const policy = cache_policy<kHint>();
  if constexpr (kHasSm90 && kRank == 1)
    asm volatile(
        "cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
        ".L2::cache_hint [%0], [%1, {%4}], [%2], %3;" ::"r"(target.address),
        "l"(&map), "r"(barrier.address), "l"(policy), "r"(at[0])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 2)
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
        ".L2::cache_hint [%0], [%1, {%4, %5}], [%2], %3;" ::"r"(target.address),
        "l"(&map), "r"(barrier.address), "l"(policy), "r"(at[0]), "r"(at[1])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 3)
    asm volatile(
        "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
        ".L2::cache_hint [%0], [%1, {%4, %5, %6}], [%2], %3;" ::"r"(target.address),
        "l"(&map), "r"(barrier.address), "l"(policy), "r"(at[0]), "r"(at[1]), "r"(at[2])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 4)
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
        ".L2::cache_hint [%0], [%1, {%4, %5, %6, %7}], [%2], %3;" ::"r"(target.address),
        "l"(&map), "r"(barrier.address), "l"(policy), "r"(at[0]), "r"(at[1]), "r"(at[2]), "r"(at[3])
        : "memory");
  else
    __trap();
}

template <int kRank>
FATTN_DEVICE void store_tile(TensorMap const& map, int const (&at)[kRank], Shared<Quad> source) {
  static_assert(kRank >= 1 && kRank <= TileDescription::kMaxRank);
  if constexpr (kHasSm90 && kRank == 1)
    asm volatile(
        "cp.async.bulk.tensor.1d.global.shared::cta.tile.bulk_group [%0, {%2}], [%1];" ::"l"(&map),
        "r"(source.address), "r"(at[0])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 2)
    asm volatile(
        "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%2, %3}], [%1];" ::"l"(
            &map),
        "r"(source.address), "r"(at[0]), "r"(at[1])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 3)
    asm volatile(
        "cp.async.bulk.tensor.3d.global.shared::cta.tile.bulk_group [%0, {%2, %3, %4}], [%1];" ::
            "l"(&map),
        "r"(source.address), "r"(at[0]), "r"(at[1]), "r"(at[2])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 4)
    asm volatile(
        "cp.async.bulk.tensor.4d.global.shared::cta.tile.bulk_group [%0, {%2, %3, %4, %5}], "
        "[%1];" ::"l"(&map),
        "r"(source.address), "r"(at[0]), "r"(at[1]), "r"(at[2]), "r"(at[3])
        : "memory");
  else
    __trap();
}

template <int kRank>
FATTN_DEVICE void add_tile(TensorMap const& map, int const (&at)[kRank], Shared<Quad> source) {
  static_assert(kRank >= 1 && kRank <= TileDescription::kMaxRank);
  if constexpr (kHasSm90 && kRank == 1)
    asm volatile(
        "cp.reduce.async.bulk.tensor.1d.global.shared::cta.add.tile.bulk_group [%0, {%2}], [%1];" ::
            "l"(&map),
        "r"(source.address), "r"(at[0])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 2)
    asm volatile(
        "cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group [%0, {%2, %3}], "
        "[%1];" ::"l"(&map),
        "r"(source.address), "r"(at[0]), "r"(at[1])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 3)
    asm volatile(
        "cp.reduce.async.bulk.tensor.3d.global.shared::cta.add.tile.bulk_group [%0, {%2, %3, %4}], "
        "[%1];" ::"l"(&map),
        "r"(source.address), "r"(at[0]), "r"(at[1]), "r"(at[2])
        : "memory");
  else if constexpr (kHasSm90 && kRank == 4)
    asm volatile(
        "cp.reduce.async.bulk.tensor.4d.global.shared::cta.add.tile.bulk_group [%0, {%2, %3, %4, "
        "%5}], [%1];" ::"l"(&map),
        "r"(source.address), "r"(at[0]), "r"(at[1]), "r"(at[2]), "r"(at[3])
        : "memory");
  else
    __trap();
}

FATTN_DEVICE void prefetch_tensor_map(TensorMap const& map) {
  if constexpr (kHasSm90)
    asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
  else
    __trap();
}

FATTN_DEVICE void load_bulk(Shared<Quad> target, void const* source, int bytes,
                            Shared<MBarrier> barrier) {
  if constexpr (kHasSm90)
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
            "r"(target.address),
        "l"(__cvta_generic_to_global(source)), "r"(bytes), "r"(barrier.address)
        : "memory");
  else
    __trap();
}

FATTN_DEVICE void store_bulk(void* target, Shared<Quad> source, int bytes) {
  if constexpr (kHasSm90)
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(
                     __cvta_generic_to_global(target)),
                 "r"(source.address), "r"(bytes)
                 : "memory");
  else
    __trap();
}

FATTN_DEVICE void add_bulk(float* target, Shared<Quad> source, int bytes) {
  if constexpr (kHasSm90)
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], %2;" ::"l"(
                     __cvta_generic_to_global(target)),
                 "r"(source.address), "r"(bytes)
                 : "memory");
  else
    __trap();
}

FATTN_DEVICE void commit_bulk() {
  if constexpr (kHasSm90)
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
  else
    __trap();
}

template <int kPending>
FATTN_DEVICE void wait_bulk() {
  if constexpr (kHasSm90)
    asm volatile("cp.async.bulk.wait_group %0;" ::"n"(kPending) : "memory");
  else
    __trap();
}

template <int kPending>
FATTN_DEVICE void wait_bulk_read() {
  if constexpr (kHasSm90)
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kPending) : "memory");
  else
    __trap();
}

}  // namespace fattn::simt
