// All of them. `npm run house` compares the primitives named here with those that native/simt
// declares.
#pragma once

#include "checks_arithmetic.h"
#include "checks_barriers.h"
#include "checks_bulk_additions.h"
#include "checks_conversions.h"
#include "checks_copies.h"
#include "checks_fragments.h"
#include "checks_functions.h"
#include "checks_mbarriers.h"
#include "checks_threads.h"
#include "checks_warpgroups.h"

namespace fattn::conformance {

inline std::vector<Check> all_checks() {
  std::vector<Check> all;
  for (auto const& some : {checks_of_threads(), checks_of_barriers(), checks_of_copies(),
                           checks_of_conversions(), checks_of_arithmetic(), checks_of_functions(),
                           checks_of_fragments(),
                           checks_of_mbarriers(), checks_of_bulk_copies(), checks_of_warpgroups()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace fattn::conformance
