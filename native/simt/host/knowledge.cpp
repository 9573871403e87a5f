#include "simt/host/knowledge.h"

#include <algorithm>

namespace fattn::simt::host {
namespace {

void join(std::vector<uint32_t>& into, std::vector<uint32_t> const& from) {
  if (into.size() < from.size()) into.resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) into[i] = std::max(into[i], from[i]);
}

}  // namespace

Knowledge::Knowledge(int threads)
    : clocks_(static_cast<size_t>(threads), 1),
      views_(static_cast<size_t>(threads), std::make_shared<View const>()) {}

int Knowledge::add_agent() {
  clocks_.push_back(1);
  return actors() - 1;
}

void Knowledge::fence(int thread) {
  auto& view = views_[static_cast<size_t>(thread)];
  auto fenced = std::make_shared<View>(*view);
  fenced->fenced = fenced->known;
  auto const own = static_cast<size_t>(thread);
  if (fenced->fenced.size() <= own) fenced->fenced.resize(own + 1);
  fenced->fenced[own] = advance(thread);
  view = std::move(fenced);
}

void Knowledge::acquire(int thread, ViewRef const& view) {
  auto& mine = views_[static_cast<size_t>(thread)];
  if (mine == view) return;
  auto joined = std::make_shared<View>(*mine);
  join(joined->known, view->known);
  join(joined->fenced, view->fenced);
  mine = std::move(joined);
}

void Publication::add_thread(Knowledge& knowledge, int thread) {
  auto const& view = knowledge.views_[static_cast<size_t>(thread)];
  if (std::find(views_.rbegin(), views_.rend(), view) == views_.rend()) views_.push_back(view);
  actors_.emplace_back(thread, knowledge.advance(thread));
}

void Publication::add_agent(Knowledge& knowledge, int agent) {
  actors_.emplace_back(agent, knowledge.advance(agent));
}

ViewRef Publication::take(Knowledge const& knowledge) {
  auto joined = std::make_shared<View>();
  joined->known.reserve(static_cast<size_t>(knowledge.actors()));
  for (auto const& view : views_) {
    join(joined->known, view->known);
    join(joined->fenced, view->fenced);
  }
  joined->known.resize(static_cast<size_t>(knowledge.actors()));
  for (auto const& [actor, clock] : actors_) {
    auto& known = joined->known[static_cast<size_t>(actor)];
    known = std::max(known, clock);
  }
  views_.clear();
  actors_.clear();
  return joined;
}

void Publication::adopt(Knowledge& knowledge, int thread, ViewRef const& view) {
  knowledge.views_[static_cast<size_t>(thread)] = view;
}

}  // namespace fattn::simt::host
