#include <utility>

#include "binding/bindings.h"
#include "binding/objects.h"
#include "binding/rope_description.h"
#include "core/backend.h"

namespace fattn::binding {
namespace {

CompressedConvArgs read_tensors(Arguments const& args) {
  CompressedConvArgs tensors;
  tensors.latent = args.at(1, "latent").tensor();
  tensors.value = args.at(2, "value").tensor();
  tensors.delayed = args.at(3, "delayed").tensor();
  tensors.w1 = args.at(4, "w1").tensor();
  tensors.b1 = args.at(5, "b1").optional_tensor();
  tensors.w2 = args.at(6, "w2").tensor();
  tensors.b2 = args.at(7, "b2").optional_tensor();
  tensors.temperature = args.at(8, "temperature").tensor();
  tensors.delayed_bias = args.at(9, "delayedBias").optional_tensor();
  tensors.positions = args.at(10, "positions").optional_tensor();
  tensors.cu_seq_lens = args.at(11, "cuSeqLens").optional_tensor();
  tensors.lengths = args.at(12, "lengths").optional_tensor();
  tensors.history = args.at(13, "history").optional_tensor();
  tensors.delayed_history = args.at(14, "delayedHistory").optional_tensor();
  tensors.q = args.at(15, "q").tensor();
  tensors.k = args.at(16, "k").tensor();
  tensors.v = args.at(17, "v").tensor();
  tensors.in_use = args.at(18, "inUse").optional_tensor();
  tensors.next_history = args.at(19, "nextHistory").optional_tensor();
  tensors.next_delayed = args.at(20, "nextDelayed").optional_tensor();
  return tensors;
}

}  // namespace

napi_value compressed_conv(Arguments const& args) {
  Submission const to = args.submission(23);
  CompressedConvArgs tensors = read_tensors(args);
  CompressedConvDesc desc;
  desc.temperature_mode = args.at(21, "tempMode").one_of(TemperatureMode::kExpClamped);
  Value const rotation = args.at(22, "rope");
  desc.rotates = !rotation.undefined();
  if (desc.rotates) desc.rope = read_rope_description(rotation);
  describe_compressed_conv(tensors, desc);
  Backend& backend = backend_of(tensors.latent.device());
  backend.compressed_conv(to, std::move(desc), std::move(tensors));
  return nullptr;
}

napi_value explain_compressed_conv(Arguments const& args) {
  Backend const& backend = backend_of(args.at(0, "device").device());
  Value const from = args.at(1, "description");
  CompressedConvDesc desc;
  desc.dtype = from.field("dtype").dtype();
  desc.packed = from.field("packed").boolean();
  desc.batch = from.field("batch").integer();
  desc.seq = from.field("seq").integer();
  desc.heads_q = from.field("headsQ").integer();
  desc.heads_kv = from.field("headsKv").integer();
  desc.head_dim = from.field("headDim").integer();
  desc.taps_1 = from.field("taps1").integer();
  desc.taps_2 = from.field("taps2").integer();
  desc.rotates = false;  // costs nothing that is counted
  CompressedConvExplanation const explanation = backend.explain_compressed_conv(desc);
  ObjectBuilder object(args.env());
  object.set("supported", explanation.supported);
  object.set("reason", explanation.reason);
  object.set("kernel", explanation.kernel);
  object.set("path", explanation.path);
  object.set("halfProducts", explanation.half_products);
  object.set("flops", explanation.cost.flops);
  object.set("bytes", explanation.cost.bytes);
  object.set("bytesMoved", explanation.bytes_moved);
  return object.value();
}

}  // namespace fattn::binding
