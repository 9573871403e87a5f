#include "binding/completion.h"

#include <atomic>
#include <utility>

#include "binding/environment.h"
#include "binding/guard.h"
#include "core/error.h"

namespace fattn::binding {

Mailbox::Mailbox(napi_env env)
    : function_(Function::New(env, "fused-attention", 0 /* unbounded */, 1, this)) {
  function_.Unref(env);
}

void Mailbox::post(std::unique_ptr<Settlement> settlement) {
  std::lock_guard const lock(mutex_);
  // A refusal means that the environment is closing: the settlement is freed here.
  if (open_ && function_.NonBlockingCall(settlement.get()) == napi_ok) settlement.release();
}

void Mailbox::begin(napi_env env, napi_ref kept) {
  if (pending_++ == 0) function_.Ref(env);
  if (kept != nullptr) kept_.insert(kept);
}

void Mailbox::end(napi_env env, napi_ref kept) {
  if (--pending_ == 0) function_.Unref(env);
  if (kept != nullptr && kept_.erase(kept) == 1) napi_delete_reference(env, kept);
}

void Mailbox::close(napi_env env) {
  std::lock_guard const lock(mutex_);
  if (!std::exchange(open_, false)) return;
  function_.Release();
  for (napi_ref const reference : kept_) napi_delete_reference(env, reference);
  kept_.clear();
}

namespace {

napi_value value_of(napi_env env, Settlement const& settlement) {
  napi_value value = nullptr;
  if (settlement.make) return settlement.make(env);
  if (settlement.kept != nullptr)
    check_status(env, napi_get_reference_value(env, settlement.kept, &value));
  else
    check_status(env, napi_get_undefined(env, &value));
  return value;
}

}  // namespace

/// Statuses are ignored: they fail only where the environment is being torn down, and nobody waits
/// then.
void Mailbox::deliver(Napi::Env env, Napi::Function, Mailbox* mailbox, Settlement* settlement) {
  std::unique_ptr<Settlement> const owned(settlement);
  if (static_cast<napi_env>(env) == nullptr) return;  // closing: the mailbox may be gone
  napi_value value = nullptr;
  if (owned->failure == nullptr) {
    try {
      value = value_of(env, *owned);
    } catch (...) {
      owned->failure = std::current_exception();
    }
  }
  if (owned->failure == nullptr)
    napi_resolve_deferred(env, owned->deferred, value);
  else if (napi_value const error = error_value(env, owned->failure))
    napi_reject_deferred(env, owned->deferred, error);
  mailbox->end(env, owned->kept);
}

class Settler::Ticket {
 public:
  Ticket(std::shared_ptr<Mailbox> mailbox, std::unique_ptr<Settlement> settlement)
      : mailbox_(std::move(mailbox)), settlement_(std::move(settlement)) {}

  ~Ticket() {
    if (!settled_.load())
      settle({}, std::make_exception_ptr(
                     Error(ErrorCode::kInternal, "the work was dropped without an answer")));
  }

  void settle(MakeValue make, std::exception_ptr failure) {
    if (settled_.exchange(true)) return;
    settlement_->make = std::move(make);
    settlement_->failure = std::move(failure);
    mailbox_->post(std::move(settlement_));
  }

 private:
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<Settlement> settlement_;
  std::atomic<bool> settled_{false};
};

Settler::Settler(std::shared_ptr<Mailbox> mailbox, napi_deferred deferred, napi_ref kept) {
  auto settlement = std::make_unique<Settlement>();
  settlement->deferred = deferred;
  settlement->kept = kept;
  ticket_ = std::make_shared<Ticket>(std::move(mailbox), std::move(settlement));
}

void Settler::resolve(MakeValue make) const { ticket_->settle(std::move(make), nullptr); }

void Settler::reject(std::exception_ptr failure) const { ticket_->settle({}, std::move(failure)); }

Completion Settler::completion() const {
  return [ticket = ticket_](std::exception_ptr failure) { ticket->settle({}, std::move(failure)); };
}

napi_value make_promise(napi_env env, std::function<void(Settler const&)> const& start,
                        napi_value kept) {
  std::shared_ptr<Mailbox> const& mailbox = Environment::of(env).mailbox();
  napi_ref reference = nullptr;
  if (kept != nullptr) check_status(env, napi_create_reference(env, kept, 1, &reference));
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  check_status(env, napi_create_promise(env, &deferred, &promise));
  mailbox->begin(env, reference);
  Settler const settler(mailbox, deferred, reference);
  try {
    start(settler);
  } catch (...) {
    settler.reject(std::current_exception());
  }
  return promise;
}

}  // namespace fattn::binding
