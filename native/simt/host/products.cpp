#include "simt/host/products.h"

#include <algorithm>
#include <cstring>

#include "core/half.h"
#include "simt/host/product_math.h"

namespace fattn::simt::host {
namespace {

constexpr Primitive kFence{"wgmma_fence"}, kCommit{"wgmma_commit"}, kWait{"wgmma_wait"},
    kMultiply{"wgmma"};

void meet_warp(Primitive const& primitive, int parameter) {
  char nothing;
  warp_meeting().meet(primitive, parameter, &nothing, &nothing, [](auto, auto) {});
}

constexpr int kUnit = 16;

bool same(Fragment const& a, Fragment const& b) {
  return std::equal(std::begin(a.word), std::end(a.word), std::begin(b.word));
}

}  // namespace

Products::Products(Block& block)
    : block_(block),
      threads_(static_cast<size_t>(block.threads())),
      warpgroups_(static_cast<size_t>(block.threads() / kWarpgroupSize)) {}

void Products::begin_fence() { meet_warp(kFence, 0); }

void Products::fence(Fragment const& fragment) {
  auto& fenced = mine().fenced;
  auto const known = std::find_if(fenced.begin(), fenced.end(),
                                  [&](auto const& entry) { return entry.first == &fragment; });
  if (known == fenced.end()) {
    fenced.emplace_back(&fragment, fragment);
  } else {
    known->second = fragment;
  }
}

void Products::multiply(ProductForm form, ProductPart const& part) {
  char nothing;
  warpgroup_meeting().meet(kMultiply, form.code(), &part, &nothing, [&](auto parts, auto) {
    issue(block_.self() / kWarpgroupSize, form, parts);
  });
}

void Products::check(int thread, ProductForm const& form, ProductPart const& part,
                     ProductPart const& first) const {
  bool const same_a = form.from_registers || part.a.bits == first.a.bits;
  if (!same_a || part.b.bits != first.b.bits || part.accumulate != first.accumulate)
    block_.fail(thread,
                "comes to wgmma with other descriptors, or another `accumulate`, than the "
                "first thread of its warpgroup");
  if (!part.state->fenced)
    block_.fail(thread,
                "sums into an accumulator that it has touched, or made, since the last "
                "wgmma_fence that named it");
  if (form.from_registers) check_fragment(thread, *part.fragment);
}

void Products::check_fragment(int thread, Fragment const& fragment) const {
  for (auto const& [place, words] : threads_[static_cast<size_t>(thread)].fenced) {
    if (place != &fragment) continue;
    if (same(words, fragment)) return;
    block_.fail(thread, "multiplies a fragment that it has changed since its wgmma_fence");
  }
  block_.fail(thread, "multiplies a fragment that no wgmma_fence has named since the last wait");
}

/// Any thread of the warpgroup may find that the factor is not there for it: one is drawn.
void Products::read_factor(int warpgroup, MatrixWalk const& walk, char const* name, bool by_rows) {
  if (auto const mistake = walk.mistake(); !mistake.empty())
    block_.fail(std::string("wgmma: the descriptor of ") + name + " is wrong: " + mistake);
  auto& memory = block_.memory();
  int const agent = warpgroups_[static_cast<size_t>(warpgroup)].agent;
  int const lane = block_.random().below(kWarpSize);
  int const drawn_warp = block_.random().below(kWarpgroupSize / kWarpSize);
  walk.each([&](int address, int row, int) {
    int const warp = by_rows ? row / 16 : drawn_warp;
    Access const access{warpgroup * kWarpgroupSize + warp * kWarpSize + lane, agent,
                        AccessKind::kWgmma, Proxy::kAsync};
    int const offset =
        memory.offset_of(block_, access, static_cast<uint32_t>(address), kUnit, kUnit);
    memory.check(block_, access, offset, kUnit,
                 memory.shadow().read(block_.knowledge(), access, offset, kUnit));
  });
}

void Products::issue(int warpgroup, ProductForm form, ProductPart const* const* parts) {
  auto& state = warpgroups_[static_cast<size_t>(warpgroup)];
  if (state.agent < 0)
    state.agent = block_.add_agent("the products of warpgroup " + std::to_string(warpgroup));
  int const first = warpgroup * kWarpgroupSize;
  for (int t = 0; t < kWarpgroupSize; ++t) check(first + t, form, *parts[t], *parts[0]);
  ProductPart const& any = *parts[0];
  if (!form.from_registers)
    read_factor(warpgroup, {any.a, form.major_a, ProductMath::kRows}, "a", true);
  read_factor(warpgroup, {any.b, form.major_b, form.n}, "b", false);

  auto const product = std::make_shared<Product>(Product{form, {}, {}});
  for (int t = 0; t < kWarpgroupSize; ++t) {
    product->parts.push_back(*parts[t]);
    if (form.from_registers) product->fragments.push_back(*parts[t]->fragment);
    threads_[static_cast<size_t>(first + t)].open.push_back({product, parts[t]->state});
    ++parts[t]->state->pending;
  }
  state.pending.push_back(product);
  if (!block_.lands_late()) finish(state, *product);
}

/// And what was issued before it.
void Products::finish(Warpgroup& warpgroup, Product const& product) {
  while (!product.done) {
    compute(*warpgroup.pending.front());
    warpgroup.pending.pop_front();
  }
}

void Products::compute(Product& product) const {
  auto const& form = product.form;
  auto const& any = product.parts.front();
  auto const math = std::make_unique<ProductMath>();
  auto const widen = [half = form.half](uint16_t bits) {
    return half ? f32_from_f16(bits) : f32_from_bf16(bits);
  };
  auto const load = [&](MatrixWalk const& walk, auto const& put) {
    walk.each([&](int address, int row, int k) {
      uint16_t bits[kUnit / 2];
      std::memcpy(bits,
                  block_.memory().bytes_at(address - static_cast<int>(block_.memory().address())),
                  sizeof bits);
      for (int i = 0; i < kUnit / 2; ++i) {
        bool const along_k = walk.runs_along_k();
        put(along_k ? row : row + i, along_k ? k + i : k, widen(bits[i]));
      }
    });
  };
  auto const put_a = [&](int row, int k, float value) { math->a[row][k] = value; };
  auto const put_b = [&](int column, int k, float value) { math->b[k][column] = value; };
  if (form.from_registers) {
    for (int t = 0; t < kWarpgroupSize; ++t)
      for (int i = 0; i < 8; ++i)
        put_a(ProductMath::row_of(t, i), ProductMath::column_of(t, i),
              widen(static_cast<uint16_t>(product.fragments[t].word[i / 2] >> i % 2 * 16)));
  } else {
    load({any.a, form.major_a, ProductMath::kRows}, put_a);
  }
  load({any.b, form.major_b, form.n}, put_b);

  auto const each_sum = [&](auto const& visit) {
    for (int t = 0; t < kWarpgroupSize; ++t)
      for (int i = 0; i < form.n / 2; ++i)
        visit(math->d[ProductMath::row_of(t, i)][ProductMath::column_of(t, i)],
              product.parts[t].sums[i]);
  };
  each_sum([&](float& d, float sum) { d = any.accumulate ? sum : 0; });
  math->multiply(form.n);
  each_sum([](float d, float& sum) { sum = d; });
  product.done = true;
}

void Products::commit() {
  meet_warp(kCommit, 0);
  auto& thread = mine();
  Group group{std::exchange(thread.open, {}), nullptr};
  if (!group.issued.empty()) {
    Publication publication;
    publication.add_agent(block_.knowledge(),
                          warpgroups_[static_cast<size_t>(block_.self() / kWarpgroupSize)].agent);
    group.view = publication.take(block_.knowledge());
  }
  thread.groups.push_back(std::move(group));
}

void Products::begin_wait(int pending) {
  meet_warp(kWait, pending);
  auto& thread = mine();
  thread.fenced.clear();
  while (static_cast<int>(thread.groups.size()) > pending) {
    auto const& group = thread.groups.front();
    for (auto const& [product, state] : group.issued) {
      finish(warpgroups_[static_cast<size_t>(block_.self() / kWarpgroupSize)], *product);
      state->unnamed = --state->pending == 0;
    }
    if (group.view) block_.knowledge().acquire(block_.self(), group.view);
    thread.groups.pop_front();
  }
}

void Products::name(AccumulatorState& state, int pending) const {
  if (state.pending > 0)
    block_.fail("names an accumulator in wgmma_wait<" + std::to_string(pending) +
                "> that has products in a later group");
  state.unnamed = false;
}

void Products::touch(AccumulatorState& state, int element, char const* how) const {
  if (state.pending > 0 || state.unnamed)
    block_.fail(std::string(how) + " element " + std::to_string(element) +
                " of an accumulator before the wgmma_wait that names it");
  state.fenced = false;
}

void Products::thread_ends(int thread) {
  auto const& mine = threads_[static_cast<size_t>(thread)];
  size_t products = mine.open.size();
  for (auto const& group : mine.groups) products += group.issued.size();
  if (products > 0)
    block_.fail("ends without having waited for " + std::to_string(products) + " of its products" +
                (mine.open.empty() ? "" : ", some not even committed"));
}

}  // namespace fattn::simt::host
