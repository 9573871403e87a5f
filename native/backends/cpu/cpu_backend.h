#pragma once

#include "core/backend.h"

namespace fattn {

/// The CPU backend of the process. Nothing starts before the first call.
Backend& cpu_backend();

}  // namespace fattn
