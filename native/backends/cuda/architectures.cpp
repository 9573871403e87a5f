#include "backends/cuda/architectures.h"

#include <algorithm>
#include <charconv>

namespace fattn::cuda {
namespace {

struct Image {
  int capability;
  bool exact;    // the 'a' of 90a: for this capability and no other
  bool machine;  // code of the machine, else PTX
};

/// '90a-real' is one image, '90' without a kind machine code and PTX.
void read(std::string_view entry, std::vector<Image>& images) {
  int capability = 0;
  auto const [rest, error] = std::from_chars(entry.data(), entry.data() + entry.size(), capability);
  if (error != std::errc()) return;
  std::string_view const suffix = entry.substr(static_cast<size_t>(rest - entry.data()));
  bool const exact = suffix.starts_with('a');
  if (!suffix.ends_with("-virtual")) images.push_back({capability, exact, true});
  if (!suffix.ends_with("-real")) images.push_back({capability, exact, false});
}

/// Machine code runs on later devices of its generation, PTX on all later ones (CUDA C++
/// Programming Guide, "Binary Compatibility" and "PTX Compatibility").
bool runs(Image const& image, int capability) {
  if (image.exact) return image.capability == capability;
  bool const same_generation = image.capability / 10 == capability / 10;
  return image.capability <= capability && (same_generation || !image.machine);
}

}  // namespace

std::vector<std::string> images_for(int capability, std::string_view built_for) {
  std::vector<Image> images;
  while (!built_for.empty()) {
    size_t const end = std::min(built_for.find(' '), built_for.size());
    read(built_for.substr(0, end), images);
    built_for.remove_prefix(std::min(end + 1, built_for.size()));
  }
  std::erase_if(images, [&](Image const& image) { return !runs(image, capability); });
  std::sort(images.begin(), images.end(), [](Image const& a, Image const& b) {
    if (a.machine != b.machine) return a.machine;
    if (a.capability != b.capability) return a.capability > b.capability;
    return a.exact && !b.exact;
  });
  std::vector<std::string> names;
  for (Image const& image : images)
    names.push_back((image.machine ? "sm_" : "compute_") + std::to_string(image.capability) +
                    (image.exact ? "a" : ""));
  return names;
}

}  // namespace fattn::cuda
