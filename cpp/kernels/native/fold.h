// What loops need of the elements of one vector.
#pragma once

#include "kernels/native/simd.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

// True in the first n of a vector.
inline IntVec firstLanes(size_t n) {
  IntVec index{};
#pragma GCC unroll 16
  for (size_t i = 0; i < lanes; i++) index[i] = static_cast<int32_t>(i);
  return index < static_cast<int32_t>(n);
}

// One number of all of a vector; join(Vec, Vec) -> Vec. Halves meet, until each element has met all others.
template <class Join>
inline float fold(Vec v, Join join) {
#if defined(__AVX512F__)
  v = join(v, _mm512_maskz_shuffle_f32x4(everyLane, v, v, 0x4E));
  v = join(v, _mm512_maskz_shuffle_f32x4(everyLane, v, v, 0xB1));
  v = join(v, _mm512_maskz_permute_ps(everyLane, v, 0x4E));
  v = join(v, _mm512_maskz_permute_ps(everyLane, v, 0xB1));
#elif defined(__AVX2__)
  v = join(v, _mm256_permute2f128_ps(v, v, 1));
  v = join(v, _mm256_permute_ps(v, 0x4E));
  v = join(v, _mm256_permute_ps(v, 0xB1));
#else
  v = join(v, Vec{v[2], v[3], v[0], v[1]});
  v = join(v, Vec{v[1], v[0], v[3], v[2]});
#endif
  return v[0];
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
