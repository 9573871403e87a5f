#include "core/backend.h"

#include "core/error.h"

namespace fattn {
namespace {

[[noreturn]] void refuse(Backend const& backend, char const* what) {
  throw Error(ErrorCode::kUnsupported, name_of(backend.device()) + " has no " + what);
}

}  // namespace

std::string not_there_yet(char const* operation, Device device) {
  return std::string(operation) + " is not there yet on " + name_of(device);
}

Explanation Backend::explain_sparse(char const* operation, AttentionDesc const&,
                                    AttentionExtras const&) const {
  Explanation e;
  e.supported = false;
  e.reason = not_there_yet(operation, device());
  return e;
}

std::shared_ptr<Storage> Backend::wrap(void*, int64_t) { refuse(*this, "device pointers"); }
void* Backend::address_of(Storage&) { refuse(*this, "device pointers"); }
std::shared_ptr<Storage> Backend::allocate_shareable(int64_t) { refuse(*this, "memory to share"); }
std::string Backend::share(Storage&) { refuse(*this, "memory to share"); }
std::shared_ptr<Storage> Backend::open_shared(std::string const&, int64_t) {
  refuse(*this, "memory to share");
}

}  // namespace fattn
