#pragma once

#include <atomic>
#include <bit>
#include <string>
#include <type_traits>

#include "simt/host/barriers.h"
#include "simt/host/meeting.h"
#include "simt/threads.h"

namespace fattn::simt {

inline int thread_index() { return host::block().self(); }
inline Index3 block_index() { return host::block().index(); }
inline Index3 grid_size() { return host::block().launch().grid; }
inline int lane_index() { return host::block().self() % kWarpSize; }
inline int warp_index() { return host::block().self() / kWarpSize; }

inline void sync_block() {
  host::Block& block = host::block();
  block.facility<host::Barriers>().at(0).reach(block.threads(), true);
}

template <int kId>
inline void sync_barrier(int threads) {
  static_assert(kId >= 1 && kId <= 15);
  host::block().facility<host::Barriers>().at(kId).reach(threads, true);
}

template <int kId>
inline void arrive_barrier(int threads) {
  static_assert(kId >= 1 && kId <= 15);
  host::block().facility<host::Barriers>().at(kId).reach(threads, false);
}

inline void sync_warp() { host::sync_warp(); }

/// Whichever lane the seed says, but always the same: the election is deterministic.
inline bool elect_one() {
  static constexpr host::Primitive kElectOne{"elect_one"};
  char nothing;
  host::warp_meeting().meet(kElectOne, 0, &nothing, &nothing, [](auto, auto) {});
  uint64_t const drawn = host::mix(host::block().seed(), static_cast<uint64_t>(warp_index()));
  return lane_index() == static_cast<int>(drawn % kWarpSize);
}

namespace host {

inline constexpr Primitive kShuffleXor{"shuffle_xor"}, kShuffle{"shuffle"},
    kShuffleUp{"shuffle_up"}, kShuffleDown{"shuffle_down"}, kBallot{"ballot"}, kAnyLane{"any_lane"},
    kAllLanes{"all_lanes"}, kReduceOr{"reduce_or"}, kReduceAdd{"reduce_add"},
    kReduceMax{"reduce_max"};

struct Asked {
  uint32_t value;
  int from;
};

/// Value of the lane that `source_of(own lane)` says, or the own one where that is none.
template <class T, class SourceOf>
inline T shuffled(Primitive const& primitive, int parameter, T value, SourceOf source_of) {
  static_assert(sizeof(T) == 4 && std::is_trivially_copyable_v<T>);
  uint32_t const given = std::bit_cast<uint32_t>(value);
  uint32_t taken;
  warp_meeting().meet(primitive, parameter, &given, &taken, [&](auto give, auto take) {
    for (int lane = 0; lane < kWarpSize; ++lane) {
      int const source = source_of(lane);
      *take[lane] = *give[source >= 0 && source < kWarpSize ? source : lane];
    }
  });
  return std::bit_cast<T>(taken);
}

/// The same result for all lanes: `combine` of all values, from lane 0 upwards.
template <class T, class Combine>
inline T reduced(Primitive const& primitive, T value, Combine combine) {
  T result;
  warp_meeting().meet(primitive, 0, &value, &result, [&](auto give, auto take) {
    T total = *give[0];
    for (int lane = 1; lane < kWarpSize; ++lane) total = combine(total, *give[lane]);
    for (int lane = 0; lane < kWarpSize; ++lane) *take[lane] = total;
  });
  return result;
}

/// Atomics are places where another thread may go first.
template <class T, class Change>
inline T atomically(T* target, Change change) {
  block().yield();
  std::atomic_ref<T> reference(*target);
  T old = reference.load();
  while (!reference.compare_exchange_weak(old, change(old))) {
  }
  return old;
}

}  // namespace host

template <class T>
inline T shuffle_xor(T value, int mask) {
  return host::shuffled(host::kShuffleXor, mask, value, [mask](int lane) { return lane ^ mask; });
}

template <class T>
inline T shuffle(T value, int from) {
  static_assert(sizeof(T) == 4 && std::is_trivially_copyable_v<T>);
  if (from < 0 || from >= kWarpSize)
    host::block().fail("asks shuffle for lane " + std::to_string(from));
  host::Asked const asked{std::bit_cast<uint32_t>(value), from};
  uint32_t taken;
  host::warp_meeting().meet(host::kShuffle, 0, &asked, &taken, [](auto give, auto take) {
    for (int lane = 0; lane < kWarpSize; ++lane) *take[lane] = give[give[lane]->from]->value;
  });
  return std::bit_cast<T>(taken);
}

template <class T>
inline T shuffle_up(T value, int distance) {
  return host::shuffled(host::kShuffleUp, distance, value,
                        [distance](int lane) { return lane - distance; });
}

template <class T>
inline T shuffle_down(T value, int distance) {
  return host::shuffled(host::kShuffleDown, distance, value,
                        [distance](int lane) { return lane + distance; });
}

inline bool any_lane(bool value) {
  return host::reduced(host::kAnyLane, value, [](bool a, bool b) { return a || b; });
}
inline bool all_lanes(bool value) {
  return host::reduced(host::kAllLanes, value, [](bool a, bool b) { return a && b; });
}
inline uint32_t ballot(bool value) {
  uint32_t const mine = value ? 1u << lane_index() : 0;
  return host::reduced(host::kBallot, mine, [](uint32_t a, uint32_t b) { return a | b; });
}
inline uint32_t reduce_or(uint32_t value) {
  return host::reduced(host::kReduceOr, value, [](uint32_t a, uint32_t b) { return a | b; });
}
inline int32_t reduce_add(int32_t value) {
  auto const add = [](uint32_t a, uint32_t b) { return a + b; };  // wraps
  return static_cast<int32_t>(host::reduced(host::kReduceAdd, static_cast<uint32_t>(value), add));
}
inline int32_t reduce_max(int32_t value) {
  return host::reduced(host::kReduceMax, value, [](int32_t a, int32_t b) { return a > b ? a : b; });
}

inline int32_t atomic_add(int32_t* target, int32_t value) {
  return host::atomically(target, [value](int32_t old) {
    return static_cast<int32_t>(static_cast<uint32_t>(old) + static_cast<uint32_t>(value));
  });
}
inline float atomic_add(float* target, float value) {
  return host::atomically(target, [value](float old) { return old + value; });
}
inline int32_t atomic_min(int32_t* target, int32_t value) {
  return host::atomically(target, [value](int32_t old) { return old < value ? old : value; });
}
inline int32_t atomic_max(int32_t* target, int32_t value) {
  return host::atomically(target, [value](int32_t old) { return old > value ? old : value; });
}
inline int32_t atomic_exchange(int32_t* target, int32_t value) {
  return host::atomically(target, [value](int32_t) { return value; });
}
inline int32_t atomic_compare_exchange(int32_t* target, int32_t expected, int32_t value) {
  return host::atomically(target, [=](int32_t old) { return old == expected ? value : old; });
}
/// All fences follow one another in one order. (ThreadSanitizer does not know std's fence.)
inline void fence_device() {
  static std::atomic<int> fences;
  fences.fetch_add(1);
}

}  // namespace fattn::simt
