#pragma once

#include <napi.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "core/backend.h"

namespace fattn::binding {

/// Makes the value of a promise, on the JavaScript thread.
using MakeValue = std::function<napi_value(napi_env)>;

/// What a promise is settled with; travels from any thread to the JavaScript thread.
struct Settlement {
  napi_deferred deferred = nullptr;
  napi_ref kept = nullptr;     // the value where `make` is empty; null = undefined
  MakeValue make;              // on success
  std::exception_ptr failure;  // null on success
};

/// The way into one environment for threads of the engine. It is closed before the environment
/// goes; what arrives later is freed, and that is all.
class Mailbox {
 public:
  explicit Mailbox(napi_env env);

  /// From any thread.
  void post(std::unique_ptr<Settlement> settlement);

  // The rest belongs to the JavaScript thread.

  /// Counts a promise that is under way: they keep the process alive, and nothing else here does.
  void begin(napi_env env, napi_ref kept);
  void close(napi_env env);

 private:
  static void deliver(Napi::Env env, Napi::Function, Mailbox* mailbox, Settlement* settlement);
  using Function = Napi::TypedThreadSafeFunction<Mailbox, Settlement, &Mailbox::deliver>;

  void end(napi_env env, napi_ref kept);

  std::mutex mutex_;
  bool open_ = true;  // guarded by mutex_
  Function function_;
  int64_t pending_ = 0;
  std::unordered_set<napi_ref> kept_;  // to delete where the environment ends before the promise
};

/// Settles one promise, once, from any thread. Copies share the promise; when the last copy goes
/// without having settled it, it is rejected with ERR_INTERNAL rather than left pending for ever.
class Settler {
 public:
  Settler(std::shared_ptr<Mailbox> mailbox, napi_deferred deferred, napi_ref kept);

  /// With what `make` returns; empty: the kept value, or undefined.
  void resolve(MakeValue make = {}) const;
  void reject(std::exception_ptr failure) const;
  /// For work that reports success or failure only.
  Completion completion() const;

 private:
  class Ticket;
  std::shared_ptr<Ticket> ticket_;
};

/// A new promise. `start` begins the work; what it throws rejects the promise. `kept` is held until
/// the promise is settled and is then its value.
napi_value make_promise(napi_env env, std::function<void(Settler const&)> const& start,
                        napi_value kept = nullptr);

}  // namespace fattn::binding
