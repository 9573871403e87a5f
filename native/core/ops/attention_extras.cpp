#include "core/ops/attention_extras.h"

namespace fattn {
namespace {

double stored_bytes(TensorView const& view) {
  double bytes = size_of(view.dtype);
  for (int axis = 0; axis < view.rank(); ++axis) {
    int64_t const size = view.sizes[axis];
    bool const repeats = view.strides[axis] == 0 && size > 0;
    bytes *= repeats ? 1 : static_cast<double>(size);
  }
  return bytes;
}

}  // namespace

AttentionExtras::AttentionExtras(AttentionArgs const& args) {
  for (OptionalTensor const& tensor : kOptionalTensors) {
    TensorView const& view = args.*tensor.view;
    if (view.defined()) add(tensor.view, stored_bytes(view));
  }
  TensorView const &q = args.segments_q, &k = args.segments_k;
  if (q.defined() && q.storage == k.storage && q.offset == k.offset) bytes_ -= stored_bytes(k);
}

void AttentionExtras::add(OptionalTensor::Member tensor, double bytes) {
  present_[index_of(tensor)] = true;
  bytes_ += bytes;
}

}  // namespace fattn
