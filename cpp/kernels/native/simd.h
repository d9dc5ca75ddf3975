// A vector of floats as wide as the instructions allow, and what the kernels do with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define EEGTORCH_ISA avx512
#define EEGTORCH_LANES 16
#elif defined(__AVX2__)
#define EEGTORCH_ISA avx2
#define EEGTORCH_LANES 8
#else
#define EEGTORCH_ISA baseline
#define EEGTORCH_LANES 4
#endif

// One namespace for each set of instructions, so that the linker never mixes them.
namespace eegtorch::kernels::EEGTORCH_ISA {

constexpr size_t lanes = EEGTORCH_LANES;
#if defined(__AVX512F__)
constexpr __mmask16 everyLane = 0xFFFF;  // for what GCC 12 warns of in its own header without a mask
#endif
typedef float Vec __attribute__((vector_size(EEGTORCH_LANES * 4)));
typedef int32_t IntVec __attribute__((vector_size(EEGTORCH_LANES * 4)));
typedef uint32_t UintVec __attribute__((vector_size(EEGTORCH_LANES * 4)));
typedef float UnalignedVec __attribute__((vector_size(EEGTORCH_LANES * 4), aligned(4), may_alias));

inline Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }

// Not `Vec{} + value`: the sum would be computed, since it turns -0 into 0.
inline Vec splat(float value) {
#if defined(__AVX512F__)
  return _mm512_set1_ps(value);
#elif defined(__AVX2__)
  return _mm256_set1_ps(value);
#else
  return Vec{value, value, value, value};
#endif
}

// The first n of a vector, n < lanes; the rest reads as 0 and is not touched.
inline Vec load(const float* p, size_t n) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#elif defined(__AVX2__)
  alignas(32) static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_maskload_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + 8 - n)));
#else
  Vec v{};
  for (size_t i = 0; i < n; i++) v[i] = p[i];
  return v;
#endif
}

inline void store(float* p, Vec v, size_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
#elif defined(__AVX2__)
  alignas(32) static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  _mm256_maskstore_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask + 8 - n)), v);
#else
  for (size_t i = 0; i < n; i++) p[i] = v[i];
#endif
}

inline float sum(Vec v) {
  float total = 0;
  for (size_t i = 0; i < lanes; i++) total += v[i];
  return total;
}

inline double sumDouble(Vec v) {
  double total = 0;
  for (size_t i = 0; i < lanes; i++) total += v[i];
  return total;
}

inline Vec select(IntVec condition, Vec yes, Vec no) { return condition ? yes : no; }

// The number, and no less than `low` or more than `high`; NaN stays NaN.
inline Vec atLeast(Vec low, Vec x) {
#if defined(__AVX512F__)
  return _mm512_maskz_max_ps(everyLane, low, x);
#elif defined(__AVX2__)
  return _mm256_max_ps(low, x);
#else
  return select(x < low, low, x);
#endif
}

inline Vec atMost(Vec high, Vec x) {
#if defined(__AVX512F__)
  return _mm512_maskz_min_ps(everyLane, high, x);
#elif defined(__AVX2__)
  return _mm256_min_ps(high, x);
#else
  return select(x > high, high, x);
#endif
}

// 1 / x to a unit in the last place, of normal numbers whose reciprocal is normal. A division takes as long as ten
// products where vectors are widest.
inline Vec reciprocal(Vec x) {
#if defined(__AVX512F__)
  const Vec near = _mm512_maskz_rcp14_ps(everyLane, x);
  return near + near * (1.f - x * near);
#else
  return 1.f / x;
#endif
}

// e^x to 2 units in the last place, of x no larger than `high`; NaN stays NaN, the result stays finite and normal.
inline Vec exp(Vec x, float high = 88.f) {
  const Vec magic = splat(12582912.f);  // 1.5 * 2^23: rounds to an integer
  x = atMost(splat(high), atLeast(splat(-87.f), x));
  const Vec shifted = x * 1.44269504088896f + magic;
  const Vec n = shifted - magic;
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.f;
  const IntVec exponent = (IntVec)shifted - 0x4B400000 + 127;
  const IntVec bits = exponent << 23;
  return p * (Vec)bits;
}

inline Vec sigmoid(Vec x) { return reciprocal(1.f + exp(-x, 80.f)); }
inline Vec tanh(Vec x) { return 2.f * reciprocal(1.f + exp(-2.f * x, 80.f)) - 1.f; }
inline Vec elu(Vec x) { return select(x > 0.f, x, exp(x) - 1.f); }

}  // namespace eegtorch::kernels::EEGTORCH_ISA
