// Which code of a binary a device runs.

#include "backends/cuda/architectures.h"
#include "test.h"

namespace fattn::test {
namespace {

std::string images(int capability, std::string_view built_for) {
  std::string joined;
  for (auto const& name : cuda::images_for(capability, built_for)) joined += name + " ";
  return joined;
}

TEST(cuda_images_of_a_release) {
  std::string_view const release = "80-real 90a-real 90-virtual";
  expect_equal(images(75, release), "");
  expect_equal(images(80, release), "sm_80 ");
  expect_equal(images(89, release), "sm_80 ", "the machine code of a generation");
  expect_equal(images(90, release), "sm_90a compute_90 ");
  expect_equal(images(100, release), "compute_90 ", "what 90a has, later ones lack");
  expect_equal(images(120, release), "compute_90 ");
}

TEST(cuda_images_of_other_builds) {
  expect_equal(images(90, "80"), "compute_80 ", "no kind means both");
  expect_equal(images(86, "80"), "sm_80 compute_80 ");
  expect_equal(images(90, "90a-virtual"), "compute_90a ");
  expect_equal(images(89, "86-real 80-real"), "sm_86 sm_80 ");
  expect_equal(images(90, ""), "");
}

}  // namespace
}  // namespace fattn::test
