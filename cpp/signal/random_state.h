// NumPy's legacy RandomState: a Mersenne Twister (Matsumoto and Nishimura 1998) with its uniform and normal numbers.
// What scikit-learn, MNE and picard start from with a whole number as random_state.
#pragma once

#include <cstdint>
#include <random>

namespace eegtorch {

class RandomState {
 public:
  explicit RandomState(uint32_t seed) : engine_(seed) {}

  // In [0, 1), from 53 random bits.
  double uniform();
  // Standard normal, by Marsaglia's polar method.
  double normal();

 private:
  std::mt19937 engine_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace eegtorch
