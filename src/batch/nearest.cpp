#include "batch/nearest.hpp"

#include <algorithm>
#include <numeric>

namespace vmconvert::batch {
namespace {

// Letters to change, add or leave out: Levenshtein's, row by row.
unsigned distance(const std::string& a, const std::string& b) {
  std::vector<unsigned> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    unsigned corner = row[0];
    row[0] = static_cast<unsigned>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const unsigned above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, corner + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      corner = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  constexpr std::size_t k_longest = 64;  // nobody mistypes a longer one; and the work is bounded
  if (word.size() > k_longest) {
    return "";
  }
  std::string plain = word;
  std::transform(plain.begin(), plain.end(), plain.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::string best;
  auto least = static_cast<unsigned>(std::max<std::size_t>(2, word.size() / 3)) + 1;
  for (const std::string& candidate : known) {
    const unsigned away = distance(plain, candidate);
    if (away < least) {
      least = away;
      best = candidate;
    }
  }
  return best;
}

}  // namespace vmconvert::batch
