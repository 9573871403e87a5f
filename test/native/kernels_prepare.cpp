// PrepareIndices: what it copies, and which mistake it names.

#include <array>

#include "kernels/attention/prepare.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

using Values = std::vector<int32_t>;
constexpr int kTensors = static_cast<int>(IndexTensor::kCount);

/// Index tensors of a packed call with 3 key heads, 2 value heads, 20 query and 30 key tokens;
/// every other element of a source belongs to it.
struct Call {
  std::array<Values, kTensors> values;
  std::array<Guarded<int32_t>, kTensors> copies;
  IndexReport report{7, IndexTensor::kCount, 7, 7, 7, 7};

  Values& operator[](IndexTensor which) { return values[static_cast<size_t>(which)]; }
  Values copy(IndexTensor which) {
    auto& copied = copies[static_cast<size_t>(which)];
    return Values(copied.data(), copied.data() + copied.size());
  }

  void run(EmulationOptions const& options = {}) {
    PrepareParams p{};
    std::array<Values, kTensors> spread;
    for (size_t t = 0; t < kTensors; ++t) {
      if (values[t].empty()) continue;
      for (int32_t value : values[t]) spread[t].insert(spread[t].end(), {value, -99});
      bool const starts = t == static_cast<size_t>(IndexTensor::kCuSeqLensQ) ||
                          t == static_cast<size_t>(IndexTensor::kCuSeqLensK);
      int64_t const count = static_cast<int64_t>(values[t].size());
      copies[t] = Guarded<int32_t>(count + (starts ? 1 : 0));
      p.tensors[t] = {spread[t].data(), 2, static_cast<int32_t>(count), copies[t].data()};
    }
    p.heads_k = 3, p.heads_v = 2, p.seq_q = 20, p.seq_kv = 30;
    p.report = &report;
    emulate<PrepareIndices>(p, options);
    for (auto const& copied : copies) copied.expect_guards();
  }
};

Call valid_call() {
  Call call;
  call[IndexTensor::kHeadMapK] = {0, 2, 1, 2};
  call[IndexTensor::kHeadMapV] = {1, 1, 0, 0};
  call[IndexTensor::kWindowLeft] = {-1, 0, 5, INT32_MAX};
  call[IndexTensor::kWindowRight] = {-1, 3, -1, 9};
  call[IndexTensor::kSinkTokens] = {0, 1, 2, INT32_MAX};
  call[IndexTensor::kCuSeqLensQ] = {0, 4, 4, 17};
  call[IndexTensor::kCuSeqLensK] = {0, 10, 30, 30};
  call[IndexTensor::kPrefixLengths] = {0, 3, INT32_MAX};
  call[IndexTensor::kKeptTokens] = {0, 7, INT32_MAX - 30};
  return call;
}

void expect_report(Call& call, IndexReport const& expected, Where where = Where::current()) {
  for_some_schedules([&](EmulationOptions const& options) {
    call.run(options);
    IndexReport const& got = call.report;
    expect(got.failed == expected.failed && got.tensor == expected.tensor &&
               got.position == expected.position && got.value == expected.value &&
               got.least == expected.least && got.most == expected.most,
           "another report", where);
  });
}

TEST(kernels_prepare_copies_what_is_valid) {
  Call call = valid_call();
  for_some_schedules([&](EmulationOptions const& options) {
    call.run(options);
    expect_equal(call.report.failed, 0);
    for (auto const which :
         {IndexTensor::kHeadMapK, IndexTensor::kHeadMapV, IndexTensor::kWindowLeft,
          IndexTensor::kWindowRight, IndexTensor::kSinkTokens, IndexTensor::kPrefixLengths,
          IndexTensor::kKeptTokens})
      expect(call.copy(which) == call[which]);
    expect(call.copy(IndexTensor::kCuSeqLensQ) == Values{0, 4, 4, 17, 20}, "tokens left over");
    expect(call.copy(IndexTensor::kCuSeqLensK) == Values{0, 10, 30, 30, 30}, "see no key");
  });
}

TEST(kernels_prepare_names_what_is_out_of_range) {
  struct Mistake {
    IndexTensor tensor;
    int32_t position, value, least, most;
  };
  for (Mistake const& m : {Mistake{IndexTensor::kHeadMapK, 1, 3, 0, 2},
                           {IndexTensor::kHeadMapV, 3, -1, 0, 1},
                           {IndexTensor::kWindowLeft, 0, -2, -1, INT32_MAX},
                           {IndexTensor::kWindowRight, 2, INT32_MIN, -1, INT32_MAX},
                           {IndexTensor::kSinkTokens, 3, -1, 0, INT32_MAX},
                           {IndexTensor::kCuSeqLensQ, 0, 1, 0, 0},
                           {IndexTensor::kCuSeqLensQ, 2, 3, 4, 20},
                           {IndexTensor::kCuSeqLensQ, 3, 21, 4, 20},
                           {IndexTensor::kCuSeqLensK, 3, 31, 30, 30},
                           {IndexTensor::kPrefixLengths, 1, -1, 0, INT32_MAX},
                           {IndexTensor::kKeptTokens, 1, -1, 0, INT32_MAX - 30},
                           {IndexTensor::kKeptTokens, 2, INT32_MAX - 29, 0, INT32_MAX - 30}}) {
    Call call = valid_call();
    call[m.tensor][static_cast<size_t>(m.position)] = m.value;
    expect_report(call, {1, m.tensor, m.position, m.value, m.least, m.most});
    expect(call.copy(IndexTensor::kHeadMapK) == Values{0, 0, 0, 0}, "harmless heads");
    expect(call.copy(IndexTensor::kCuSeqLensQ) == Values{0, 0, 0, 0, 20}, "harmless sequences");
    expect(call.copy(IndexTensor::kCuSeqLensK) == Values{0, 0, 0, 0, 0}, "without keys");
  }
}

// As the CPU backend's planner goes through them.
TEST(kernels_prepare_names_the_first_mistake) {
  Call call = valid_call();
  call[IndexTensor::kPrefixLengths][0] = -1;
  call[IndexTensor::kCuSeqLensK][1] = 40;
  expect_report(call, {1, IndexTensor::kCuSeqLensK, 1, 40, 0, 30});
  call[IndexTensor::kWindowLeft][3] = -5;
  call[IndexTensor::kSinkTokens][2] = -6;  // an earlier head
  expect_report(call, {1, IndexTensor::kSinkTokens, 2, -6, 0, INT32_MAX});
  call[IndexTensor::kWindowRight][2] = -7;  // asked before the sinks of that head
  expect_report(call, {1, IndexTensor::kWindowRight, 2, -7, -1, INT32_MAX});
  call[IndexTensor::kHeadMapV][3] = 2;
  expect_report(call, {1, IndexTensor::kHeadMapV, 3, 2, 0, 1});
}

TEST(kernels_prepare_goes_through_more_elements_than_threads) {
  Call call;
  call[IndexTensor::kKvLengths] = Values(1000, 30);
  call[IndexTensor::kPrefixLengths] = Values(1000, 2);
  call[IndexTensor::kKvLengths][999] = 31;
  call[IndexTensor::kPrefixLengths][700] = -3;
  call[IndexTensor::kKvLengths][701] = -1;
  expect_report(call, {1, IndexTensor::kPrefixLengths, 700, -3, 0, INT32_MAX});
}

}  // namespace
}  // namespace fattn::test
