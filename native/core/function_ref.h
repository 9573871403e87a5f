#pragma once

namespace fattn {

/// Non-owning reference to a callable: no allocation on the hot path.
template <class Signature>
class FunctionRef;
template <class Result, class... Args>
class FunctionRef<Result(Args...)> {
 public:
  template <class F>
  FunctionRef(F& callable)
      : object_(const_cast<void*>(static_cast<void const*>(&callable))),
        call_([](void* object, Args... args) -> Result {
          return (*static_cast<F*>(object))(args...);
        }) {}
  Result operator()(Args... args) const { return call_(object_, args...); }

 private:
  void* object_;
  Result (*call_)(void*, Args...);
};

}  // namespace fattn
