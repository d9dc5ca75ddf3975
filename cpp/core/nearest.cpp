#include "core/nearest.h"

#include <algorithm>
#include <numeric>

namespace eegtorch {

namespace {

// Levenshtein distance, one row of the table at a time.
size_t editDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); j++) {
      const size_t substitute = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

std::string nearestName(const std::string& name, const std::vector<std::string>& names) {
  // A hostile name must not cost time: beyond any real name, its start decides.
  const std::string start = name.substr(0, 64);
  return *std::min_element(names.begin(), names.end(), [&](const auto& a, const auto& b) {
    return editDistance(start, a) < editDistance(start, b);
  });
}

}  // namespace eegtorch
