// Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11): random words as a function
// of a key and a counter, so that any thread can make any part of a mask, and backward can make it again.
#include <immintrin.h>

#include "kernels/native/elementwise.h"

namespace eegtorch::kernels::EEGTORCH_ISA {

namespace {

// A word in the lower half of each 64-bit lane; upper halves hold rubbish that the next product ignores.
constexpr size_t wide_lanes = lanes / 2;
typedef uint64_t Words __attribute__((vector_size(EEGTORCH_LANES * 4)));
typedef uint32_t NarrowWords __attribute__((vector_size(EEGTORCH_LANES * 2), aligned(4), may_alias));

inline Words multiply(Words a, uint32_t factor) {
  const Words b = Words{} + factor;
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_mul_epu32(0xFF, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
  return (Words)_mm_mul_epu32((__m128i)a, (__m128i)b);
#endif
}

inline void philox(Words (&c)[4], uint64_t seed) {
  uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; round++) {
    const Words p0 = multiply(c[0], 0xD2511F53u), p1 = multiply(c[2], 0xCD9E8D57u);
    c[0] = (p1 >> 32) ^ c[1] ^ static_cast<uint64_t>(key0);
    c[2] = (p0 >> 32) ^ c[3] ^ static_cast<uint64_t>(key1);
    c[1] = p1;
    c[3] = p0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

// Words for 64 elements from 16 counters: element e takes word e / 16 of counter e % 16, whatever the vector width.
inline void randomBlock(uint64_t seed, uint64_t block, uint32_t* words) {
  for (size_t first = 0; first < 16; first += wide_lanes) {
    Words counter = Words{} + (block * 16 + first);
    for (size_t i = 1; i < wide_lanes; i++) counter[i] += i;
    Words c[4] = {counter, counter >> 32, Words{}, Words{}};
    philox(c, seed);
    for (size_t word = 0; word < 4; word++)
      *reinterpret_cast<NarrowWords*>(words + word * 16 + first) = __builtin_convertvector(c[word], NarrowWords);
  }
}

}  // namespace

void dropout(const float* x, float* y, size_t n, uint64_t seed, uint64_t first, float probability) {
  const auto threshold = static_cast<uint32_t>(static_cast<double>(probability) * 4294967296.0);
  const float scale = 1.f / (1.f - probability);
  alignas(64) uint32_t words[64];
  for (size_t at = 0; at < n; at += 64) {
    randomBlock(seed, (first + at) / 64, words);
    const size_t count = n - at < 64 ? n - at : 64;
    for (size_t i = 0; i < count; i++) y[at + i] = words[i] >= threshold ? x[at + i] * scale : 0.f;
  }
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
