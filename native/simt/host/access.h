// An access to shared memory, as the shadow sees it, and what can be wrong with it.
#pragma once

#include <cstdint>

namespace fattn::simt::host {

/// Whoever adds a primitive that touches shared memory adds a kind, and its line in access.cpp.
enum class AccessKind : uint8_t {
  kLoad,
  kStore,
  kLoadMatrix,
  kStoreMatrix,
  kCopyAsync,
  kMBarrier,
  kBulkLoad,
  kBulkStore,
  kWgmma,
};
char const* name_of(AccessKind kind);
/// What an access to bytes that are in flight touches: "a stage whose cp.async group has not …".
char const* unfinished_text(AccessKind kind);
/// What would have ordered a later access after an asynchronous one; empty for the others.
char const* ending_text(AccessKind kind);

enum class Proxy : uint8_t { kGeneric, kAsync };

struct Access {
  int thread;  // whose order counts: it does the access, or issues it
  int actor;   // in whose name it is entered: the thread, or an agent that works for it
  AccessKind kind;
  Proxy proxy = Proxy::kGeneric;
};

enum class Verdict : uint8_t { kFine, kUnwritten, kInFlight, kUnfenced, kRace };

/// The verdict on an access; and, where it conflicts with an earlier one, which that was.
struct Mistake {
  Verdict verdict = Verdict::kFine;
  int other = -1;  // actor
  AccessKind other_kind = AccessKind::kLoad;
  bool other_wrote = false;

  explicit operator bool() const { return verdict != Verdict::kFine; }
};

}  // namespace fattn::simt::host
