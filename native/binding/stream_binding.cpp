#include "binding/bindings.h"
#include "binding/completion.h"
#include "binding/environment.h"
#include "binding/stream_wrap.h"

namespace fattn::binding {
namespace {

MakeValue number_maker(double number) {
  return [number](napi_env env) {
    napi_value value = nullptr;
    check_status(env, napi_create_double(env, number, &value));
    return value;
  };
}

/// Once both events have been reached; on the thread that reached the later one.
void settle_elapsed(Settler const& settler, Event const& start, Event const& end) {
  try {
    settler.resolve(number_maker(static_cast<double>(end.nanoseconds_since(start))));
  } catch (...) {
    settler.reject(std::current_exception());
  }
}

}  // namespace

napi_value default_stream(Arguments const& args) {
  auto& environment = Environment::of(args.env());
  return StreamWrap::create(args.env(), environment.default_stream(args.at(0, "device").device()));
}

napi_value stream_create(Arguments const& args) {
  StreamOptions options;
  options.queue_depth = args.at(1, "queueDepth").integer();
  Device const device = args.at(0, "device").device();
  return StreamWrap::create(args.env(), Environment::of(args.env()).create_stream(device, options));
}

napi_value stream_synchronize(Arguments const& args) {
  auto const& stream = args.at(0, "stream").stream();
  return make_promise(args.env(),
                      [&](Settler const& settler) { stream->synchronize(settler.completion()); });
}

napi_value stream_record(Arguments const& args) {
  return EventWrap::create(args.env(), args.at(0, "stream").stream()->record());
}

napi_value stream_wait(Arguments const& args) {
  args.at(0, "stream").stream()->wait(args.at(1, "event").event());
  return nullptr;
}

napi_value stream_close(Arguments const& args) {
  args.at(0, "stream").stream()->close();
  return nullptr;
}

napi_value event_elapsed(Arguments const& args) {
  auto const start = args.at(0, "start").event();
  auto const end = args.at(1, "end").event();
  return make_promise(args.env(), [&](Settler const& settler) {
    start->when_reached([settler, start, end](std::exception_ptr failure) {
      if (failure != nullptr) return settler.reject(failure);
      end->when_reached([settler, start, end](std::exception_ptr later_failure) {
        if (later_failure != nullptr) return settler.reject(later_failure);
        settle_elapsed(settler, *start, *end);
      });
    });
  });
}

}  // namespace fattn::binding
