#include <cmath>
#include <limits>
#include <vector>

#include "core/convert.h"
#include "core/half.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

template <class To, class From>
std::vector<To> converted(std::vector<From> const& source, SourceType from, DType to) {
  std::vector<To> result(source.size(), To{77});
  convert_elements(source.data(), from, static_cast<int64_t>(source.size()), to, result.data());
  return result;
}

template <class From>
void refuses(std::vector<From> const& source, SourceType from, DType to, std::string const& part) {
  expect_throws(
      ErrorCode::kArgumentValue, [&] { converted<int32_t>(source, from, to); }, part);
}

}  // namespace

TEST(convert_names_and_sizes) {
  expect_equal(static_cast<int>(source_type_of("bf16")), static_cast<int>(SourceType::bf16));
  expect_equal(static_cast<int>(source_type_of("u64")), static_cast<int>(SourceType::u64));
  expect_equal(size_of(source_type_of("i16")), 2);
  expect_equal(size_of(source_type_of("f64")), 8);
  expect_throws(
      ErrorCode::kArgumentValue, [] { source_type_of("f8"); }, "f8");
}

TEST(convert_every_source_to_f32) {
  auto const value = [](auto sample, SourceType from) {
    return converted<float>(std::vector{sample}, from, DType::f32)[0];
  };
  expect_equal(value(1.5, SourceType::f64), 1.5f);
  expect_equal(value(2.5f, SourceType::f32), 2.5f);
  expect_equal(value(uint16_t{0x4100}, SourceType::f16), 2.5f);
  expect_equal(value(uint16_t{0x4020}, SourceType::bf16), 2.5f);
  expect_equal(value(int8_t{-128}, SourceType::i8), -128.0f);
  expect_equal(value(uint8_t{255}, SourceType::u8), 255.0f);
  expect_equal(value(int16_t{-32768}, SourceType::i16), -32768.0f);
  expect_equal(value(uint16_t{65535}, SourceType::u16), 65535.0f);
  expect_equal(value(int32_t{-7}, SourceType::i32), -7.0f);
  expect_equal(value(uint32_t{4000000000u}, SourceType::u32), 4000000000.0f);
  expect_equal(value(int64_t{-5000000000}, SourceType::i64), -5000000000.0f);
  expect_equal(value(uint64_t{1} << 63, SourceType::u64), 0x1p63f);
}

TEST(convert_to_16_bits_rounds_once) {
  auto const f16 = converted<uint16_t>(std::vector{1 + 0x1p-11 + 0x1p-40, 65520.0, -0.0},
                                       SourceType::f64, DType::f16);
  expect_equal(f16[0], 0x3c01);
  expect_equal(f16[1], 0x7c00);
  expect_equal(f16[2], 0x8000);
  // 2^62 + 2^54 is a tie of bf16, which a last bit decides; a plain conversion to double would lose
  // it.
  std::vector<int64_t> const large{(int64_t{1} << 62) + (int64_t{1} << 54) + 1,
                                   -((int64_t{1} << 62) + (int64_t{1} << 54)),
                                   std::numeric_limits<int64_t>::min()};
  auto const bf16 = converted<uint16_t>(large, SourceType::i64, DType::bf16);
  expect_equal(f32_from_bf16(bf16[0]), 0x1.02p62f);
  expect_equal(f32_from_bf16(bf16[1]), -0x1p62f);
  expect_equal(f32_from_bf16(bf16[2]), -0x1p63f);
  auto const crossed =
      converted<uint16_t>(std::vector<uint16_t>{0x4020, 0x7f80}, SourceType::bf16, DType::f16);
  expect_equal(crossed[0], 0x4100);
  expect_equal(crossed[1], 0x7c00);
}

TEST(convert_keeps_raw_bits_of_equal_types) {
  // Signalling NaNs and payloads survive, because nothing is computed.
  std::vector<uint16_t> const bits{0x7c01, 0xfc55, 0x0001};
  auto const same = converted<uint16_t>(bits, SourceType::f16, DType::f16);
  for (size_t i = 0; i < bits.size(); ++i) expect_equal(same[i], bits[i]);
}

TEST(convert_to_int32_is_exact_or_refused) {
  auto const ok = converted<int32_t>(std::vector{-2147483648.0, 2147483647.0, -0.0},
                                     SourceType::f64, DType::i32);
  expect_equal(ok[0], std::numeric_limits<int32_t>::min());
  expect_equal(ok[1], std::numeric_limits<int32_t>::max());
  expect_equal(ok[2], 0);
  refuses(std::vector{0.0, 1.5}, SourceType::f64, DType::i32, "data[1] is 1.5");
  refuses(std::vector{std::nan("")}, SourceType::f64, DType::i32, "data[0]");
  refuses(std::vector{INFINITY}, SourceType::f32, DType::i32, "data[0]");
  refuses(std::vector{2147483648.0f}, SourceType::f32, DType::i32, "int32");
  refuses(std::vector{2147483648.0}, SourceType::f64, DType::i32, "int32");
  refuses(std::vector{uint32_t{2147483648u}}, SourceType::u32, DType::i32, "2147483648");
  refuses(std::vector{int64_t{1} << 40}, SourceType::i64, DType::i32, "int32");
  refuses(std::vector{~uint64_t{0}}, SourceType::u64, DType::i32, "18446744073709551615");
  expect_equal(converted<int32_t>(std::vector<int64_t>{-3}, SourceType::i64, DType::i32)[0], -3);
}

TEST(convert_to_uint8_and_bool_is_exact_or_refused) {
  expect_equal(int{converted<uint8_t>(std::vector<int16_t>{255}, SourceType::i16, DType::u8)[0]},
               255);
  refuses(std::vector<int16_t>{256}, SourceType::i16, DType::u8, "0 to 255");
  refuses(std::vector<int8_t>{-1}, SourceType::i8, DType::u8, "is -1");
  refuses(std::vector<uint8_t>{1, 2}, SourceType::u8, DType::boolean, "data[1] is 2");
  expect_equal(int{converted<uint8_t>(std::vector<float>{1}, SourceType::f32, DType::boolean)[0]},
               1);
}

TEST(convert_nothing_touches_nothing) {
  convert_elements(nullptr, SourceType::f64, 0, DType::f32, nullptr);
  expect(converted<float>(std::vector<double>{}, SourceType::f64, DType::f32).empty());
}
