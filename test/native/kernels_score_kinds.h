#pragma once

// Scores of keys, by whatever stresses a selection.

#include <cmath>
#include <iterator>
#include <random>

namespace fattn::test {

struct ScoreKind {
  char const* name;
  float (*of)(std::mt19937& generator, int key);
};

inline constexpr ScoreKind kScoreKinds[] = {
    {"random", [](std::mt19937& g, int) { return std::normal_distribution<float>()(g); }},
    {"few values",
     [](std::mt19937& g, int) { return static_cast<float>(static_cast<int>(g() % 3) - 1); }},
    {"equal", [](std::mt19937&, int) { return 0.25f; }},
    {"zeros", [](std::mt19937& g, int) { return g() % 2 == 0 ? 0.0f : -0.0f; }},
    {"rising", [](std::mt19937&, int j) { return static_cast<float>(j) - 20; }},
    {"falling", [](std::mt19937&, int j) { return 20 - static_cast<float>(j); }},
    {"special",
     [](std::mt19937& g, int) {
       float const of[] = {NAN, -INFINITY, INFINITY, 0.0f, -0.0f, 1e-45f, -1e-45f, 0.5f};
       return of[g() % std::size(of)];
     }},
};

/// NaN counts as -inf.
inline float counted(float score) { return std::isnan(score) ? -INFINITY : score; }

}  // namespace fattn::test
