#pragma once

#include <functional>
#include <memory>

#include "core/backend.h"

namespace fattn::cpu {

/// Queues a measurement of what the pool's threads reach together on a stream of its own, or
/// answers from the cache: one entry per thread count. Calls back with zeros where it failed.
void measure_ceilings(std::function<void(Ceilings)> done);

}  // namespace fattn::cpu
