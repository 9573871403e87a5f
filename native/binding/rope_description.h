#pragma once

#include "binding/arguments.h"
#include "core/ops/rope.h"

namespace fattn::binding {

/// `NativeRopeDescription` of lib/native-module.ts.
RopeDesc read_rope_description(Value const& from);

}  // namespace fattn::binding
