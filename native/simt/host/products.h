// The unit that multiplies for warpgroups. It reads its factors and registers when a product is
// issued, landing early, or when a thread waits for it, landing late; between the two nobody may
// touch them. Sums are taken in f32 from the lowest k upwards; the hardware adds in another order.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "simt/host/matrix_descriptor.h"
#include "simt/host/warpgroups.h"

namespace fattn::simt::host {

/// What is known of an accumulator of one thread.
struct AccumulatorState {
  int pending = 0;       // products not waited for
  bool unnamed = false;  // they are over, but no wait has named it since
  bool fenced = false;
};

/// The kind of a product: what all threads of the warpgroup must agree on.
struct ProductForm {
  bool half;  // f16, else bf16
  bool from_registers;
  Major major_a, major_b;
  int n;

  int64_t code() const {
    return n << 4 | static_cast<int>(major_a) << 3 | static_cast<int>(major_b) << 2 |
           (from_registers ? 2 : 0) | (half ? 1 : 0);
  }
};

/// What a thread brings to a product.
struct ProductPart {
  MatrixDescriptor a, b;
  Fragment const* fragment;  // instead of a; null where a lies in shared memory
  bool accumulate;
  float* sums;
  AccumulatorState* state;
};

class Products final : public Facility {
 public:
  explicit Products(Block& block);

  // By the running thread; `multiply`, `begin_fence`, `commit` and `begin_wait` by its whole warp.
  void begin_fence();
  void fence(AccumulatorState& state) { state.fenced = true; }
  void fence(Fragment const& fragment);
  void multiply(ProductForm form, ProductPart const& part);
  void commit();
  void begin_wait(int pending);
  void name(AccumulatorState& state, int pending) const;
  /// Before an element is read or written.
  void touch(AccumulatorState& state, int element, char const* how) const;

  void thread_ends(int thread) override;

 private:
  struct Product {
    ProductForm form;
    std::vector<ProductPart> parts;  // of the 128 threads
    std::vector<Fragment> fragments;
    bool done = false;
  };
  struct Issued {
    std::shared_ptr<Product> product;
    AccumulatorState* state;
  };
  struct Group {
    std::vector<Issued> issued;
    ViewRef view;
  };
  struct Thread {
    std::vector<Issued> open;
    std::deque<Group> groups;
    std::vector<std::pair<Fragment const*, Fragment>> fenced;
  };
  struct Warpgroup {
    int agent = -1;
    std::deque<std::shared_ptr<Product>> pending;
  };

  Thread& mine() { return threads_[static_cast<size_t>(block_.self())]; }
  void check(int thread, ProductForm const& form, ProductPart const& part,
             ProductPart const& first) const;
  void check_fragment(int thread, Fragment const& fragment) const;
  void read_factor(int warpgroup, MatrixWalk const& walk, char const* name, bool by_rows);
  void issue(int warpgroup, ProductForm form, ProductPart const* const* parts);
  void finish(Warpgroup& warpgroup, Product const& product);
  void compute(Product& product) const;

  Block& block_;
  std::vector<Thread> threads_;
  std::vector<Warpgroup> warpgroups_;
};

}  // namespace fattn::simt::host
