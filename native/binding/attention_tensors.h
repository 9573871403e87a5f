#pragma once

#include "binding/arguments.h"
#include "core/ops/attention.h"

namespace fattn::binding {

/// What every attention reads and writes, at the places behind the stream that all of them have for
/// it: q, k, v, out and lse.
inline AttentionArgs read_attention_tensors(Arguments const& args) {
  AttentionArgs tensors;
  tensors.q = args.at(1, "q").tensor();
  tensors.k = args.at(2, "k").tensor();
  tensors.v = args.at(3, "v").tensor();
  tensors.out = args.at(4, "out").tensor();
  tensors.lse = args.at(5, "lse").optional_tensor();
  return tensors;
}

}  // namespace fattn::binding
