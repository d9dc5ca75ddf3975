#include <array>

#include "kernels/native/nf4_table.h"
#include "kernels/native/simd.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

constexpr size_t group_bytes = kNf4Group / 2, group_vectors = kNf4Group / lanes;

// The weights of a group without their scale, in the order of `place`.
#if defined(__AVX512F__)

// Masked forms, whose other lanes are zeros: the plain ones start from undefined lanes, of which compilers warn.
struct Codes {
  static constexpr __mmask16 all = 0xffff;
  __m512 map;

  explicit Codes(const float* values) : map(_mm512_loadu_ps(values)) {}

  void read(const uint8_t* codes, Vec* weights) const {
    for (size_t half = 0; half < 2; half++) {
      const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + 16 * half));
      const __m512i pairs = _mm512_maskz_cvtepu8_epi32(all, bytes);
      weights[2 * half] = _mm512_maskz_permutexvar_ps(all, _mm512_maskz_srli_epi32(all, pairs, 4), map);
      weights[2 * half + 1] = _mm512_maskz_permutexvar_ps(all, pairs, map);
    }
  }

  void inOrder(const uint8_t* codes, Vec scale, float* weights) const {
    const __m128i low = _mm_set1_epi8(15);
    for (size_t v = 0; v < group_vectors; v++) {
      const __m128i pairs = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + 8 * v));
      const __m128i each = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(pairs, 4), low), _mm_and_si128(pairs, low));
      const Vec values = _mm512_maskz_permutexvar_ps(all, _mm512_maskz_cvtepu8_epi32(all, each), map);
      store(weights + v * lanes, values * scale);
    }
  }
};

constexpr size_t place(size_t i) { return i / 32 * 32 + 2 * (i % 16) + i / 16 % 2; }

#elif defined(__AVX2__)

// Looks a code's float up byte by byte, as sixteen bytes are what a shuffle can choose from.
struct Codes {
  __m256i bytes[4];

  explicit Codes(const float* values) {
    for (size_t b = 0; b < 4; b++) {
      alignas(16) uint8_t plane[16];
      for (size_t c = 0; c < 16; c++) plane[c] = reinterpret_cast<const uint8_t*>(values + c)[b];
      bytes[b] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(plane)));
    }
  }

  // The floats of 32 codes in four vectors: of bytes 4k to 4k + 3 and 16 + 4k to 16 + 4k + 3 in the k-th.
  void lookUp(__m256i codes, Vec* weights) const {
    const __m256i b0 = _mm256_shuffle_epi8(bytes[0], codes), b1 = _mm256_shuffle_epi8(bytes[1], codes);
    const __m256i b2 = _mm256_shuffle_epi8(bytes[2], codes), b3 = _mm256_shuffle_epi8(bytes[3], codes);
    const __m256i low01 = _mm256_unpacklo_epi8(b0, b1), low23 = _mm256_unpacklo_epi8(b2, b3);
    const __m256i high01 = _mm256_unpackhi_epi8(b0, b1), high23 = _mm256_unpackhi_epi8(b2, b3);
    weights[0] = _mm256_castsi256_ps(_mm256_unpacklo_epi16(low01, low23));
    weights[1] = _mm256_castsi256_ps(_mm256_unpackhi_epi16(low01, low23));
    weights[2] = _mm256_castsi256_ps(_mm256_unpacklo_epi16(high01, high23));
    weights[3] = _mm256_castsi256_ps(_mm256_unpackhi_epi16(high01, high23));
  }

  void read(const uint8_t* codes, Vec* weights) const {
    const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    const __m256i low = _mm256_set1_epi8(15);
    lookUp(_mm256_and_si256(_mm256_srli_epi16(pairs, 4), low), weights);
    lookUp(_mm256_and_si256(pairs, low), weights + 4);
  }

  void inOrder(const uint8_t* codes, Vec scale, float* weights) const {
    const __m128i low = _mm_set1_epi8(15);
    for (size_t half = 0; half < 2; half++, codes += 16, weights += 32) {
      const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes));
      const __m128i first = _mm_and_si128(_mm_srli_epi16(pairs, 4), low), second = _mm_and_si128(pairs, low);
      Vec values[4];
      lookUp(_mm256_set_m128i(_mm_unpackhi_epi8(first, second), _mm_unpacklo_epi8(first, second)), values);
      for (size_t k = 0; k < 4; k++) {
        const __m256 scaled = values[k] * scale;
        _mm_storeu_ps(weights + 4 * k, _mm256_castps256_ps128(scaled));
        _mm_storeu_ps(weights + 16 + 4 * k, _mm256_extractf128_ps(scaled, 1));
      }
    }
  }
};

constexpr size_t place(size_t i) {
  const size_t k = i / 8 % 4, lane = i % 8;
  const size_t byte = 4 * k + lane % 4 + 16 * (lane / 4);
  return 2 * byte + i / 32;
}

#else

struct Codes {
  const float* map;

  explicit Codes(const float* values) : map(values) {}

  void read(const uint8_t* codes, Vec* weights) const {
    for (size_t v = 0; v < group_vectors; v++, codes += 2)
      weights[v] = Vec{map[codes[0] >> 4], map[codes[0] & 15], map[codes[1] >> 4], map[codes[1] & 15]};
  }

  void inOrder(const uint8_t* codes, Vec scale, float* weights) const {
    Vec values[group_vectors];
    read(codes, values);
    for (size_t v = 0; v < group_vectors; v++) store(weights + v * lanes, values[v] * scale);
  }
};

constexpr size_t place(size_t i) { return i; }

#endif

constexpr std::array<uint8_t, kNf4Group> places = [] {
  std::array<uint8_t, kNf4Group> result{};
  for (size_t i = 0; i < kNf4Group; i++) result[i] = static_cast<uint8_t>(place(i));
  return result;
}();

void arrange(const float* x, size_t n, float* arranged) {
  for (size_t start = 0; start < n; start += kNf4Group)
    for (size_t i = 0; i < kNf4Group; i++) arranged[start + i] = x[start + places[i]];
}

template <size_t rows>
void dotsOf(const Nf4Row& row, const float* x, float* y, size_t y_row) {
  const Codes codes(row.map);
  const size_t n = row.groups * kNf4Group;
  Vec sums[rows] = {};
  for (size_t g = 0; g < row.groups; g++) {
    Vec weights[group_vectors];
    codes.read(row.codes + g * group_bytes, weights);
    const Vec scale = splat(row.scales[g]);
    for (size_t r = 0; r < rows; r++) {
      const float* at = x + r * n + g * kNf4Group;
      // two sums, so that one product does not wait for another
      Vec even = weights[0] * load(at), odd = weights[1] * load(at + lanes);
      for (size_t v = 2; v < group_vectors; v += 2) {
        even = weights[v] * load(at + v * lanes) + even;
        odd = weights[v + 1] * load(at + (v + 1) * lanes) + odd;
      }
      sums[r] = (even + odd) * scale + sums[r];
    }
  }
  for (size_t r = 0; r < rows; r++) y[r * y_row] = sum(sums[r]);
}

void dots(const Nf4Row& row, const float* x, size_t count, float* y, size_t y_row) {
  const size_t n = row.groups * kNf4Group;
  for (size_t done = 0; done < count;) {
    const size_t left = count - done;
    const float* from = x + done * n;
    float* to = y + done * y_row;
    if (left >= 4)
      dotsOf<4>(row, from, to, y_row), done += 4;
    else if (left >= 2)
      dotsOf<2>(row, from, to, y_row), done += 2;
    else
      dotsOf<1>(row, from, to, y_row), done += 1;
  }
}

void unpack(const Nf4Row& row, float* weights) {
  const Codes codes(row.map);
  for (size_t g = 0; g < row.groups; g++)
    codes.inOrder(row.codes + g * group_bytes, splat(row.scales[g]), weights + g * kNf4Group);
}

constexpr size_t panel_vectors = 2;  // the width of panels that many rows pass by
constexpr size_t panel_rows = panel_vectors * lanes;
constexpr size_t word_weights = 2 * sizeof(uint32_t);  // that a lane brings at a time

// The floats of one code in each lane, in its four lowest bits; others are anything.
Vec lookUp(const Vec* map, UintVec codes) {
#if defined(__AVX512F__)
  return _mm512_maskz_permutexvar_ps(0xffff, (__m512i)codes, *map);
#elif defined(__AVX2__)
  const Vec low = _mm256_permutevar8x32_ps(map[0], (__m256i)codes);
  const Vec high = _mm256_permutevar8x32_ps(map[1], (__m256i)codes);
  return _mm256_blendv_ps(low, high, (Vec)(codes << 28));  // chooses by the sign, which is the fourth bit here
#else
  const float* values = reinterpret_cast<const float*>(map);
  return Vec{values[codes[0] & 15], values[codes[1] & 15], values[codes[2] & 15], values[codes[3] & 15]};
#endif
}

// A lane takes a row, so that nothing need be transposed.
void unpackPanel(const Nf4Panel& panel, float* weights) {
  Vec map[16 / lanes];
  std::memcpy(map, panel.map, sizeof(map));
  const uint8_t* rows[panel_rows];
  for (size_t r = 0; r < panel_rows; r++)
    rows[r] = panel.codes + (r < panel.rows ? r : panel.rows - 1) * panel.code_row;
  for (size_t i = 0; i < panel.depth; i += word_weights)
    for (size_t v = 0; v < panel_vectors; v++) {
      const Vec scale = load(panel.scales + i / kNf4Group * panel_rows + v * lanes);
      UintVec words;
      for (size_t lane = 0; lane < lanes; lane++) {
        uint32_t word;
        std::memcpy(&word, rows[v * lanes + lane] + i / 2, sizeof(word));
        words[lane] = word;
      }
      float* to = weights + i * panel_rows + v * lanes;
#pragma GCC unroll 8
      for (uint32_t w = 0; w < word_weights; w++)
        store(to + w * panel_rows, lookUp(map, words >> (w / 2 * 8 + (w % 2 == 0 ? 4 : 0))) * scale);
    }
}

// Those of a vector's weights that are there: the others read as zeros.
Vec some(const float* weights, size_t n) { return n >= lanes ? load(weights) : load(weights, n); }

float largestSize(const float* weights, size_t n) {
  Vec largest{};
  for (size_t i = 0; i < n; i += lanes) {
    const Vec x = some(weights + i, n - i), size = select(x < 0.f, -x, x);
    largest = select(size <= largest, largest, size);  // what is no number stays
  }
  float result = 0;
  for (size_t lane = 0; lane < lanes; lane++)
    if (!(largest[lane] <= result)) result = largest[lane];
  return result;
}

float quantise(const float* weights, size_t n, const float* bounds, uint8_t* codes) {
  const float scale = largestSize(weights, n);
  const Vec factor = splat(1.f / (scale > 1e-38f ? scale : 1e-38f));
  for (size_t i = 0; i < n; i += lanes) {
    const Vec x = some(weights + i, n - i) * factor;
    IntVec code{};
    for (size_t b = 0; b < kNf4Bounds; b++) code -= x > splat(bounds[b]);
    for (size_t pair = 0; pair < lanes / 2 && i + 2 * pair < n; pair++)
      codes[i / 2 + pair] = static_cast<uint8_t>(code[2 * pair] << 4 | code[2 * pair + 1]);
  }
  return scale;
}

constexpr Nf4Table table = {panel_rows, arrange, dots, unpack, unpackPanel, quantise};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const Nf4Table& avx512Nf4() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const Nf4Table& avx2Nf4() { return EEGTORCH_ISA::table; }
#else
const Nf4Table& baselineNf4() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
