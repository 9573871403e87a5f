#include <algorithm>
#include <cmath>
#include <cstring>

#include "backends/cpu/elementwise_copy.h"
#include "backends/cpu/elementwise_fill.h"
#include "core/ops/elementwise.h"
#include "cpu_fixture.h"

namespace fattn::test {
namespace {

using cpu::JobContext;

void copy(Threads& threads, TensorView const& source, TensorView const& target) {
  threads.run([&](JobContext& job) { cpu::run_copy(job, source, target); });
}

/// The plain loop: element by element, through double.
void expect_copied(TensorView const& source, TensorView const& target) {
  int64_t const n = source.elements();
  for (int64_t i = 0; i < n; ++i) {
    std::vector<int64_t> index(static_cast<size_t>(source.rank()));
    int64_t rest = i;
    for (int axis = source.rank() - 1; axis >= 0; --axis) {
      index[static_cast<size_t>(axis)] = rest % source.sizes[axis];
      rest /= source.sizes[axis];
    }
    float expected = 0;
    cpu::with_float_type(target.dtype, [&](auto type) {
      using T = decltype(type);
      expected = cpu::to_f32(cpu::rounded<T>(value_at(source, index)));
    });
    expect_equal(value_at(target, index), expected, "element " + std::to_string(i));
  }
}

}  // namespace

TEST(copy_between_all_float_dtypes) {
  Threads threads(2);
  for (DType from : kFloats)
    for (DType to : kFloats) {
      TensorView const source = random_view(from, {3, 5, 7}, 1);
      TensorView const target = host_view(to, {3, 5, 7});
      copy(threads, source, target);
      expect_copied(source, target);
    }
}

TEST(copy_through_any_strides) {
  Threads threads(2);
  for (DType to : kFloats)
    for (int a = 0; a < 4; ++a)
      for (int b = a + 1; b < 4; ++b) {
        TensorView const source = transposed(random_view(DType::f16, {2, 9, 4, 17}, 2), a, b);
        TensorView const target = host_view(to, source.sizes);
        copy(threads, source, target);
        expect_copied(source, target);
        TensorView const back = transposed(host_view(to, {2, 9, 4, 17}), a, b);
        copy(threads, source, back);
        expect_copied(source, back);
      }
}

TEST(copy_of_slices_keeps_what_lies_between) {
  Threads threads(2);
  TensorView const whole = random_view(DType::f32, {6, 8}, 3);
  std::vector<char> const before = bytes_of(whole);
  TensorView slice = whole;
  slice.offset = 8 + 2;
  slice.sizes = {3, 4};
  TensorView const source = random_view(DType::f32, {3, 4}, 4);
  copy(threads, source, slice);
  expect_copied(source, slice);
  int changed = 0;
  std::vector<char> const after = bytes_of(whole);
  for (size_t i = 0; i < after.size(); i += 4)
    changed += std::memcmp(&before[i], &after[i], 4) != 0;
  expect_equal(changed, 12);
}

TEST(copy_broadcasts_its_source) {
  Threads threads(2);
  TensorView const row = random_view(DType::bf16, {1, 5, 1}, 5);
  for (DType to : kFloats) {
    TensorView const target = host_view(to, {3, 5, 70});
    TensorView const source = broadcast("row", row, target.sizes);
    copy(threads, source, target);
    expect_copied(source, target);
  }
}

TEST(copy_of_nothing_and_of_a_scalar) {
  Threads threads(1);
  copy(threads, host_view(DType::f32, {3, 0, 2}), host_view(DType::f16, {3, 0, 2}));
  TensorView const one = random_view(DType::f32, {}, 6), target = host_view(DType::f32, {});
  copy(threads, one, target);
  expect_equal(target.data<float>()[0], one.data<float>()[0]);
}

TEST(copy_where_source_and_target_overlap) {
  Threads threads(4);
  TensorView whole = host_view(DType::f32, {200001});
  set_values(whole, [](int64_t i) { return static_cast<double>(i); });
  TensorView from = whole, to = whole;
  from.sizes[0] = to.sizes[0] = 200000;
  to.offset = 1;
  copy(threads, from, to);
  for (int64_t i = 0; i < 200000; ++i)
    expect_equal(whole.data<float>()[i + 1], static_cast<float>(i));

  TensorView square = random_view(DType::f32, {64, 64}, 7);
  std::vector<float> const before(square.data<float>(), square.data<float>() + 64 * 64);
  copy(threads, transposed(square, 0, 1), square);
  for (int64_t i = 0; i < 64; ++i)
    for (int64_t j = 0; j < 64; ++j)
      expect_equal(value_at(square, {i, j}), before[static_cast<size_t>(j * 64 + i)]);
}

TEST(copy_of_integers_to_floats_rounds_once) {
  Threads threads(1);
  // 2^24 + 2^16 + 1 is above the middle of two bfloat16 by less than a float can tell.
  std::vector<int32_t> const values = {0, -7, 65504, 70000, (1 << 24) + (1 << 16) + 1, -2147483647};
  TensorView const source = host_view(DType::i32, {6});
  std::copy(values.begin(), values.end(), source.data<int32_t>());
  TensorView const as_f32 = host_view(DType::f32, {6}), as_f16 = host_view(DType::f16, {6}),
                   as_bf16 = host_view(DType::bf16, {6});
  for (TensorView const& target : {as_f32, as_f16, as_bf16}) copy(threads, source, target);
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t const at = static_cast<int64_t>(i);
    expect_equal(value_at(as_f32, {at}), static_cast<float>(values[i]));
    expect_equal(value_at(as_f16, {at}), f32_from_f16(f16_from_f64(values[i])));
    expect_equal(value_at(as_bf16, {at}), f32_from_bf16(bf16_from_f64(values[i])));
  }
  expect_equal(value_at(as_bf16, {4}), 0x1p24f + 0x1p17f, "rounded twice");
  TensorView const bytes = host_view(DType::u8, {3}), flags = host_view(DType::boolean, {3});
  std::copy_n("\x00\x01\x01", 3, flags.bytes());
  copy(threads, flags, bytes);
  expect(bytes_of(bytes) == bytes_of(flags), "bool to uint8 keeps its bytes");
  TensorView const ones = host_view(DType::f32, {3});
  copy(threads, flags, ones);
  for (int64_t i = 0; i < 3; ++i) expect_equal(value_at(ones, {i}), i == 0 ? 0.0f : 1.0f);
}

TEST(copy_refuses_what_it_cannot_round) {
  for (DType from : {DType::f32, DType::f16, DType::i32, DType::u8})
    expect_throws(ErrorCode::kDType, [&] { check_conversion(from, DType::boolean); });
  expect_throws(
      ErrorCode::kDType, [] { check_conversion(DType::f32, DType::i32); },
      "float32 does not convert to int32");
  check_conversion(DType::i32, DType::i32);
}

TEST(read_gives_row_major_elements) {
  Threads threads(2);
  TensorView const source = transposed(random_view(DType::bf16, {30, 40}, 8), 0, 1);
  std::vector<float> wide(1200);
  std::vector<uint16_t> bits(1200);
  threads.run([&](JobContext& job) {
    cpu::run_read(job, source, DType::f32, wide.data());
    cpu::run_read(job, source, DType::bf16, bits.data());
  });
  for (int64_t i = 0; i < 1200; ++i) {
    size_t const at = static_cast<size_t>(i);
    expect_equal(wide[at], value_at(source, {i / 30, i % 30}));
    expect_equal(f32_from_bf16(bits[at]), wide[at]);
  }
}

TEST(copy_of_a_large_tensor_is_the_same_for_any_thread_count) {
  TensorView const source = transposed(random_view(DType::f32, {37, 11, 1000}, 9), 0, 2);
  std::vector<char> first;
  for (int count = 1; count <= 8; ++count) {
    Threads threads(count);
    TensorView const target = host_view(DType::f16, source.sizes);
    copy(threads, source, target);
    if (count == 1) {
      expect_copied(source, target);
      first = bytes_of(target);
    }
    expect(bytes_of(target) == first, "bits depend on the thread count");
  }
}

TEST(fill_writes_every_dtype_once_rounded) {
  Threads threads(2);
  for (DType dtype : kFloats) {
    TensorView const whole = host_view(dtype, {5, 6});
    set_values(whole, [](int64_t) { return 9; });
    TensorView column = whole;
    column.sizes = {5};
    column.strides = {6};
    column.offset = 2;
    threads.run([&](JobContext& job) { cpu::run_fill(job, column, 0.1); });
    for (int64_t i = 0; i < 5; ++i)
      for (int64_t j = 0; j < 6; ++j)
        expect_near(value_at(whole, {i, j}), j == 2 ? 0.1 : 9, j == 2 ? 4e-4 : 0);
  }
  TensorView const integers = host_view(DType::i32, {100000});
  threads.run([&](JobContext& job) { cpu::run_fill(job, integers, -5); });
  for (int i = 0; i < 100000; ++i) expect_equal(integers.data<int32_t>()[i], -5);
}

TEST(fill_refuses_values_that_an_integer_cannot_hold) {
  for (double value : {1.5, 2147483648.0, -2147483649.0, HUGE_VAL, std::nan("")})
    expect_throws(
        ErrorCode::kArgumentValue, [&] { check_fill(host_view(DType::i32, {1}), value); }, "int32");
  for (double value : {-1.0, 256.0, 0.5})
    expect_throws(ErrorCode::kArgumentValue, [&] { check_fill(host_view(DType::u8, {1}), value); });
  expect_throws(
      ErrorCode::kArgumentValue, [] { check_fill(host_view(DType::boolean, {1}), 2); }, "bool");
  check_fill(host_view(DType::i32, {1}), -2147483648.0);
  check_fill(host_view(DType::f16, {1}), NAN);
}

}  // namespace fattn::test
