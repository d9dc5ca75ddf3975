// Vectors of doubles as wide as the instructions allow, and squares of 4 x 4 that are turned over in registers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/native/simd.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

constexpr size_t doubles = lanes / 2;
typedef double Doubles __attribute__((vector_size(EEGTORCH_LANES * 4)));
typedef double UnalignedDoubles __attribute__((vector_size(EEGTORCH_LANES * 4), aligned(8), may_alias));

inline Doubles loadDoubles(const double* p) { return *reinterpret_cast<const UnalignedDoubles*>(p); }
inline void storeDoubles(double* p, Doubles v) { *reinterpret_cast<UnalignedDoubles*>(p) = v; }

inline Doubles root(Doubles x) {
  Doubles y;
  for (size_t lane = 0; lane < doubles; lane++) y[lane] = __builtin_sqrt(x[lane]);
  return y;
}

typedef double Four __attribute__((vector_size(32)));
typedef int64_t Picks __attribute__((vector_size(32)));
struct Square {
  Four a, b, c, d;
};

inline Square turned(const Square& s) {
  constexpr Picks even = {0, 4, 2, 6}, odd = {1, 5, 3, 7}, low = {0, 1, 4, 5}, high = {2, 3, 6, 7};
  const Four ab = __builtin_shuffle(s.a, s.b, even), ba = __builtin_shuffle(s.a, s.b, odd);
  const Four cd = __builtin_shuffle(s.c, s.d, even), dc = __builtin_shuffle(s.c, s.d, odd);
  return {__builtin_shuffle(ab, cd, low), __builtin_shuffle(ba, dc, low), __builtin_shuffle(ab, cd, high),
          __builtin_shuffle(ba, dc, high)};
}

template <class Number>
using FourOf __attribute__((vector_size(4 * sizeof(Number)), aligned(sizeof(Number)), may_alias)) = Number;

}  // namespace eegtorch::kernels::EEGTORCH_ISA
