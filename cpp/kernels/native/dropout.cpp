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

constexpr int rounds = 10;
constexpr size_t at_once = 2;  // vectors of counters, so that one's products run while another's are waited for

// The keys of every round in every lane: two words each.
struct RoundKeys {
  Words word[rounds][2];

  explicit RoundKeys(uint64_t seed) {
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
    for (auto& keys : word) {
      keys[0] = Words{} + static_cast<uint64_t>(key0);
      keys[1] = Words{} + static_cast<uint64_t>(key1);
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
  }
};

inline void philox(Words (&c)[at_once][4], const RoundKeys& keys) {
  for (const auto& key : keys.word)
#pragma GCC unroll 4
    for (auto& counter : c) {
      const Words p0 = multiply(counter[0], 0xD2511F53u), p1 = multiply(counter[2], 0xCD9E8D57u);
      counter[0] = (p1 >> 32) ^ counter[1] ^ key[0];
      counter[2] = (p0 >> 32) ^ counter[3] ^ key[1];
      counter[1] = p1;
      counter[3] = p0;
    }
}

// Words for 64 elements from 16 counters: element e takes word e / 16 of counter e % 16, whatever the vector width.
inline void randomBlock(const RoundKeys& keys, uint64_t block, uint32_t* words) {
  for (size_t first = 0; first < 16; first += at_once * wide_lanes) {
    Words c[at_once][4];
    for (size_t group = 0; group < at_once; group++) {
      Words counter = Words{} + (block * 16 + first + group * wide_lanes);
      for (size_t i = 1; i < wide_lanes; i++) counter[i] += i;
      c[group][0] = counter;
      c[group][1] = counter >> 32;
      c[group][2] = c[group][3] = Words{};
    }
    philox(c, keys);
    for (size_t group = 0; group < at_once; group++)
      for (size_t word = 0; word < 4; word++)
        *reinterpret_cast<NarrowWords*>(words + word * 16 + first + group * wide_lanes) =
            __builtin_convertvector(c[group][word], NarrowWords);
  }
}

}  // namespace

void dropout(const float* x, float* y, size_t n, uint64_t seed, uint64_t first, float probability) {
  const auto threshold = static_cast<uint32_t>(static_cast<double>(probability) * 4294967296.0);
  const float scale = 1.f / (1.f - probability);
  const RoundKeys keys(seed);
  alignas(64) uint32_t words[64];
  for (size_t at = 0; at < n; at += 64) {
    randomBlock(keys, (first + at) / 64, words);
    const size_t count = n - at < 64 ? n - at : 64;
    for (size_t i = 0; i + lanes <= count; i += lanes) {
      UintVec drawn;
      std::memcpy(&drawn, words + i, sizeof drawn);
      store(y + at + i, select((IntVec)(drawn >= threshold), load(x + at + i) * scale, Vec{}));
    }
    for (size_t i = count / lanes * lanes; i < count; i++) y[at + i] = words[i] >= threshold ? x[at + i] * scale : 0.f;
  }
}

}  // namespace eegtorch::kernels::EEGTORCH_ISA
