#include "simt/host/access.h"

namespace fattn::simt::host {
namespace {

struct KindText {
  char const* name;
  char const* unfinished = "";  // of an asynchronous write: why its bytes may not be touched yet
  char const* ending = "";      // of an asynchronous access: what says that it is over
};
constexpr KindText texts[] = {
    {"load"},
    {"store"},
    {"ldmatrix"},
    {"stmatrix"},
    {"cp.async", "a stage whose cp.async group has not been waited for"},
    {"mbarrier", "an mbarrier, which only its functions may"},
    {"bulk load", "a stage whose bulk load has not been waited for",
     "mbarrier_wait for the end of its phase"},
    {"bulk store", "", "wait_bulk_read for its group"},
    {"wgmma", "", "wgmma_wait for its group"},
};

}  // namespace

char const* name_of(AccessKind kind) { return texts[static_cast<int>(kind)].name; }
char const* unfinished_text(AccessKind kind) { return texts[static_cast<int>(kind)].unfinished; }

char const* ending_text(AccessKind kind) { return texts[static_cast<int>(kind)].ending; }

}  // namespace fattn::simt::host
