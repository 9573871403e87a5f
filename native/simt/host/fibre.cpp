#include "simt/host/fibre.h"

#include <sys/mman.h>

#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

#include "simt/host/sanitizers.h"

namespace fattn::simt::host {
namespace {

// Room for the frames of a kernel under AddressSanitizer; pages that are not touched cost nothing.
constexpr size_t kStackBytes = 256 * 1024;
constexpr size_t kGuardBytes = 64 * 1024;  // a multiple of every page size

/// On the stack of `to`, after a switch.
void arrive(Context& to) {
  void const* stack = nullptr;
  size_t bytes = 0;
  complete_switch(to.fake_stack, &stack, &bytes);
  if (stack) {
    to.came_from->stack = stack;
    to.came_from->stack_bytes = bytes;
  }
}

[[noreturn, gnu::noinline, gnu::no_sanitize("address", "thread")]] void jump(Context& to) {
  if (to.beginning) setcontext(std::exchange(to.beginning, nullptr));
  __builtin_longjmp(to.registers, 1);
}

struct Pool {
  std::mutex mutex;
  Fibres fibres;
  int created = 0;
};

Pool& pool() {
  static Pool* const pool = new Pool;  // threads may outlive static objects
  return *pool;
}

}  // namespace

// __builtin_setjmp and __builtin_longjmp keep frame, stack and address and let the compiler save
// the registers it uses: 9 ns for a switch where _setjmp and _longjmp take 15, and no interceptor
// of a sanitizer or of the C library that takes a jump between stacks for a mistake. Left
// uninstrumented: AddressSanitizer would mark the whole stack as usable at every jump.
[[gnu::noinline, gnu::no_sanitize("address", "thread")]] void switch_context(Context& from,
                                                                             Context& to) {
  to.came_from = &from;
  announce_switch(&from.fake_stack, to.stack, to.stack_bytes, to.tsan_fibre);
  if (__builtin_setjmp(from.registers) == 0) jump(to);
  arrive(from);
}

Context host_context() {
  Context context;
  context.tsan_fibre = current_tsan_fibre();
  return context;
}

Fibre::Fibre(int number) {
  void* const mapping = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mprotect(mapping, kGuardBytes, PROT_NONE);  // stacks grow down, into this
  mapping_ = static_cast<std::byte*>(mapping);
  // Otherwise the same frame of all fibres would fall into the same set of the caches.
  colour_ = static_cast<size_t>(number % 61) * 192;
  prepare();
}

Fibre::~Fibre() {
  destroy_tsan_fibre(context_.tsan_fibre);
  munmap(mapping_, kGuardBytes + kStackBytes);
}

void Fibre::prepare() {
  std::byte* const stack = mapping_ + kGuardBytes;
  forget_frames(stack, kStackBytes);
  destroy_tsan_fibre(context_.tsan_fibre);
  context_ = {};
  context_.stack = stack;
  context_.stack_bytes = kStackBytes - colour_;
  context_.tsan_fibre = create_tsan_fibre();
  context_.beginning = &beginning_;
  getcontext(&beginning_);
  beginning_.uc_stack.ss_sp = stack;
  beginning_.uc_stack.ss_size = kStackBytes - colour_;
  beginning_.uc_link = nullptr;
  auto const self = reinterpret_cast<uintptr_t>(this);  // makecontext passes int only
  makecontext(&beginning_, reinterpret_cast<void (*)()>(&Fibre::enter), 2,
              static_cast<unsigned>(uint64_t{self} >> 32), static_cast<unsigned>(self));
}

void Fibre::enter(unsigned high, unsigned low) {
  auto* const self = reinterpret_cast<Fibre*>(static_cast<uintptr_t>(uint64_t{high} << 32 | low));
  arrive(self->context_);
  for (;;) {
    Context& next = self->body_(self->argument_);
    self->idle_ = true;
    switch_context(self->context_, next);
  }
}

void Fibre::start(Body body, void* argument) {
  if (!idle_ && !context_.beginning) prepare();  // abandoned in the middle of something
  idle_ = false;
  body_ = body;
  argument_ = argument;
}

Fibres take_fibres(int count) {
  Fibres taken;
  Pool& from = pool();
  std::lock_guard const lock(from.mutex);
  while (static_cast<int>(taken.size()) < count) {
    if (from.fibres.empty()) {
      taken.push_back(std::make_unique<Fibre>(from.created++));
    } else {
      taken.push_back(std::move(from.fibres.back()));
      from.fibres.pop_back();
    }
  }
  return taken;
}

void give_back(Fibres fibres) {
  Pool& to = pool();
  std::lock_guard const lock(to.mutex);
  for (auto& fibre : fibres) to.fibres.push_back(std::move(fibre));
}

}  // namespace fattn::simt::host
