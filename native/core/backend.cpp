#include "core/backend.h"

#include "core/error.h"

namespace fattn {
namespace {

[[noreturn]] void refuse(Backend const& backend, char const* what) {
  throw Error(ErrorCode::kUnsupported, name_of(backend.device()) + " has no " + what);
}

}  // namespace

std::shared_ptr<Storage> Backend::wrap(void*, int64_t) { refuse(*this, "device pointers"); }
void* Backend::address_of(Storage&) { refuse(*this, "device pointers"); }
std::shared_ptr<Storage> Backend::allocate_shareable(int64_t) { refuse(*this, "memory to share"); }
std::string Backend::share(Storage&) { refuse(*this, "memory to share"); }
std::shared_ptr<Storage> Backend::open_shared(std::string const&, int64_t) {
  refuse(*this, "memory to share");
}

}  // namespace fattn
