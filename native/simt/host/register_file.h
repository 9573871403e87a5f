// The registers of a block and how its warpgroups share them: what a launch of so many threads, one
// block per multiprocessor, gives each, rounded down to a multiple of 8.
#pragma once

#include <string>
#include <vector>

#include "simt/host/warpgroups.h"

namespace fattn::simt::host {

class RegisterFile final : public Facility {
 public:
  explicit RegisterFile(Block& block);

  /// All threads of the running thread's warpgroup come here together.
  void lower(int registers);
  void raise(int registers);

 private:
  struct Share final : public Waiting {  // one warpgroup
    RegisterFile const* file;
    int index;
    int registers;  // per thread
    int wanted;
    std::vector<int> waiting;
    std::string name() const override;
    std::string lacks() const override;
    int missing() const { return (wanted - registers) * kWarpgroupSize; }
  };

  void come(Primitive const& primitive, int registers, bool raises);
  void grant();

  Block& block_;
  int free_ = 0;
  std::vector<Share> shares_;
};

}  // namespace fattn::simt::host
