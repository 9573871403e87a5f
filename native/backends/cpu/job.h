#pragma once

#include <exception>
#include <memory>
#include <utility>

#include "backends/cpu/thread_pool.h"
#include "core/abort_flag.h"
#include "core/tensor_view.h"

namespace fattn::cpu {

/// One queued operation. It shares every storage it uses until it has run or was dropped.
class Job {
 public:
  /// `name` starts the message of a failure: 'attention'. It outlives the job. `abort` revokes it.
  explicit Job(char const* name, std::shared_ptr<AbortFlag const> abort = nullptr)
      : name_(name), abort_(std::move(abort)) {}
  virtual ~Job() = default;

  char const* name() const { return name_; }
  AbortFlag const* abort() const { return abort_.get(); }
  bool aborted() const { return abort_ != nullptr && abort_->raised(); }
  virtual void run(JobContext& context) = 0;
  virtual void each_input(FunctionRef<void(TensorView const&)> visit) const = 0;
  virtual void each_output(FunctionRef<void(TensorView const&)> visit) const = 0;
  /// Called exactly once with the outcome, null on success. True where somebody has been told of
  /// the failure; else the next synchronize() of the stream reports it.
  virtual bool tell(std::exception_ptr) { return false; }

 private:
  char const* name_;
  std::shared_ptr<AbortFlag const> abort_;
};

/// A job over the tensors of `Args`, which has each_input() and each_output() in job_tensors.h.
/// One allocation holds the arguments and the body, a callable (JobContext&, Args&).
template <class Args, class Body>
class TensorJob : public Job {
 public:
  TensorJob(char const* name, std::shared_ptr<AbortFlag const> abort, Args&& args, Body body)
      : Job(name, std::move(abort)), args_(std::move(args)), body_(std::move(body)) {}

  void run(JobContext& context) override { body_(context, args_); }
  void each_input(FunctionRef<void(TensorView const&)> visit) const override {
    visit_inputs(args_, visit);
  }
  void each_output(FunctionRef<void(TensorView const&)> visit) const override {
    visit_outputs(args_, visit);
  }

 private:
  Args args_;
  Body body_;
};

}  // namespace fattn::cpu
