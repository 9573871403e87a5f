#include "simt/host/access.h"

namespace fattn::simt::host {
namespace {

struct KindText {
  char const* name;
  char const* unfinished;  // of an asynchronous one: why its bytes may not be touched yet
};
constexpr KindText texts[] = {
    {"load", ""},
    {"store", ""},
    {"ldmatrix", ""},
    {"stmatrix", ""},
    {"cp.async", "a stage whose cp.async group has not been waited for"},
};

}  // namespace

char const* name_of(AccessKind kind) { return texts[static_cast<int>(kind)].name; }
char const* unfinished_text(AccessKind kind) { return texts[static_cast<int>(kind)].unfinished; }

}  // namespace fattn::simt::host
