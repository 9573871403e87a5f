// Fibres: stacks of their own between which one host thread switches without a system call. Every
// switch is announced to the sanitizers that the program was built with.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace fattn::simt::host {

/// A suspended execution: that of a fibre, or of the host thread that started the fibres.
struct Context {
  void* registers[5] = {};          // what __builtin_setjmp keeps
  ucontext_t* beginning = nullptr;  // how to enter it, while it has never run
  void const* stack = nullptr;      // lowest address; this and the rest are for the sanitizers
  size_t stack_bytes = 0;
  void* fake_stack = nullptr;
  void* tsan_fibre = nullptr;
  Context* came_from = nullptr;
};

/// Suspends `from`, which must be the running one, and continues `to`.
void switch_context(Context& from, Context& to);

/// The context of the calling host thread: the one to come back to.
Context host_context();

class Fibre {
 public:
  /// What a fibre does. It returns the context that continues after it, and does not throw.
  using Body = Context& (*)(void* argument);

  explicit Fibre(int number);
  ~Fibre();
  Fibre(Fibre const&) = delete;
  Fibre& operator=(Fibre const&) = delete;

  /// The next switch to context() runs `body`. Whatever the fibre was in the middle of is forgotten
  /// without running destructors: device code has none.
  void start(Body body, void* argument);
  Context& context() { return context_; }

 private:
  [[noreturn]] static void enter(unsigned high, unsigned low);
  void prepare();

  Context context_;
  ucontext_t beginning_;
  std::byte* mapping_;
  size_t colour_;      // bytes left free at the top of the stack
  bool idle_ = false;  // waits in `enter` for the next body
  Body body_ = nullptr;
  void* argument_ = nullptr;
};

using Fibres = std::vector<std::unique_ptr<Fibre>>;

/// `count` fibres, among them those that earlier blocks gave back. Thread-safe, as the next one.
Fibres take_fibres(int count);
void give_back(Fibres fibres);

}  // namespace fattn::simt::host
