#include <cmath>
#include <cstdint>

#include "kernels/native/doubles.h"
#include "kernels/native/signal_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

constexpr size_t vectors = kSideBySide / doubles;

inline Doubles squareRoot(Doubles v) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_pd(0xff, v);
#elif defined(__AVX2__)
  return _mm256_sqrt_pd(v);
#else
  for (size_t i = 0; i < doubles; i++) v[i] = std::sqrt(v[i]);
  return v;
#endif
}

void sections(double* tile, size_t samples, const Section* sections, size_t count, double* state) {
  for (size_t s = 0; s < count; s++, state += 2 * kSideBySide) {
    const auto [b0, b1, b2, a1, a2] = sections[s];
    Doubles first[vectors], second[vectors];
    for (size_t v = 0; v < vectors; v++) {
      first[v] = loadDoubles(state + v * doubles);
      second[v] = loadDoubles(state + kSideBySide + v * doubles);
    }
    double* at = tile;
    for (size_t t = 0; t < samples; t++, at += kSideBySide) {
      for (size_t v = 0; v < vectors; v++) {
        const Doubles x = loadDoubles(at + v * doubles);
        const Doubles y = b0 * x + first[v];
        first[v] = (b1 * x + second[v]) - a1 * y;
        second[v] = b2 * x - a2 * y;
        storeDoubles(at + v * doubles, y);
      }
    }
    for (size_t v = 0; v < vectors; v++) {
      storeDoubles(state + v * doubles, first[v]);
      storeDoubles(state + kSideBySide + v * doubles, second[v]);
    }
  }
}

void moving(double* tile, size_t samples, const Moving& moving, double* state) {
  Doubles weight[vectors], sum[vectors], squares[vectors];
  for (size_t v = 0; v < vectors; v++) {
    weight[v] = loadDoubles(state + v * doubles);
    sum[v] = loadDoubles(state + kSideBySide + v * doubles);
    squares[v] = loadDoubles(state + 2 * kSideBySide + v * doubles);
  }
  const double keep = moving.keep;
  const Doubles smallest = moving.smallest - Doubles{};
  for (size_t t = 0; t < samples; t++, tile += kSideBySide) {
    for (size_t v = 0; v < vectors; v++) {
      const Doubles x = loadDoubles(tile + v * doubles);
      weight[v] = weight[v] * keep + 1;
      sum[v] = sum[v] * keep + x;
      Doubles y = x - sum[v] / weight[v];
      if (moving.scale) {
        squares[v] = squares[v] * keep + y * y;
        const Doubles deviation = squareRoot(squares[v] / weight[v]);
        // NaN stays: it is not below the smallest.
        y /= deviation < smallest ? smallest : deviation;
      }
      storeDoubles(tile + v * doubles, y);
    }
  }
  for (size_t v = 0; v < vectors; v++) {
    storeDoubles(state + v * doubles, weight[v]);
    storeDoubles(state + kSideBySide + v * doubles, sum[v]);
    storeDoubles(state + 2 * kSideBySide + v * doubles, squares[v]);
  }
}

// Two sums for each vector: a product does not wait for the one before it.
void dots(const double* tile, const double* taps, size_t count, double* out) {
  Doubles even[vectors] = {}, odd[vectors] = {};
  size_t i = 0;
  for (; i + 2 <= count; i += 2, tile += 2 * kSideBySide) {
    for (size_t v = 0; v < vectors; v++) even[v] += taps[i] * loadDoubles(tile + v * doubles);
    for (size_t v = 0; v < vectors; v++) odd[v] += taps[i + 1] * loadDoubles(tile + kSideBySide + v * doubles);
  }
  if (i < count)
    for (size_t v = 0; v < vectors; v++) even[v] += taps[i] * loadDoubles(tile + v * doubles);
  for (size_t v = 0; v < vectors; v++) storeDoubles(out + v * doubles, even[v] + odd[v]);
}

// Squares are four samples of four signals.

inline Four reversed(Four v) { return __builtin_shuffle(v, Picks{3, 2, 1, 0}); }

// Samples p[0], p[step], ...
template <class Number>
inline Four loadFour(const Number* p, ptrdiff_t step) {
  if (step < 0) return reversed(__builtin_convertvector(*reinterpret_cast<const FourOf<Number>*>(p - 3), Four));
  return __builtin_convertvector(*reinterpret_cast<const FourOf<Number>*>(p), Four);
}

template <class Number>
inline void storeFour(Number* p, ptrdiff_t step, Four v) {
  if (step < 0)
    *reinterpret_cast<FourOf<Number>*>(p - 3) = __builtin_convertvector(reversed(v), FourOf<Number>);
  else
    *reinterpret_cast<FourOf<Number>*>(p) = __builtin_convertvector(v, FourOf<Number>);
}

// square(first signal, first sample) for whole squares, single(signal, sample) for what is left.
template <class OfSquare, class OfSingle>
inline void forEachSquare(size_t count, size_t samples, const OfSquare& square, const OfSingle& single) {
  const size_t whole_signals = count - count % 4, whole_samples = samples - samples % 4;
  for (size_t s = 0; s < whole_signals; s += 4) {
    for (size_t t = 0; t < whole_samples; t += 4) square(s, t);
    for (size_t t = whole_samples; t < samples; t++)
      for (size_t k = 0; k < 4; k++) single(s + k, t);
  }
  for (size_t s = whole_signals; s < count; s++)
    for (size_t t = 0; t < samples; t++) single(s, t);
}

template <class Number>
void gather(const Number* const* rows, size_t count, ptrdiff_t step, size_t samples, double* tile) {
  const auto at = [&](size_t s, size_t t) { return rows[s] + static_cast<ptrdiff_t>(t) * step; };
  const auto square = [&](size_t s, size_t t) {
    const Square block = turned({loadFour(at(s, t), step), loadFour(at(s + 1, t), step), loadFour(at(s + 2, t), step),
                                 loadFour(at(s + 3, t), step)});
    double* to = tile + t * kSideBySide + s;
    storeFour(to, 1, block.a);
    storeFour(to + kSideBySide, 1, block.b);
    storeFour(to + 2 * kSideBySide, 1, block.c);
    storeFour(to + 3 * kSideBySide, 1, block.d);
  };
  forEachSquare(count, samples, square, [&](size_t s, size_t t) { tile[t * kSideBySide + s] = *at(s, t); });
}

template <class Number>
void scatter(const double* tile, size_t count, ptrdiff_t step, size_t samples, Number* const* rows) {
  const auto at = [&](size_t s, size_t t) { return rows[s] + static_cast<ptrdiff_t>(t) * step; };
  const auto square = [&](size_t s, size_t t) {
    const double* from = tile + t * kSideBySide + s;
    const Square block = turned({loadFour(from, 1), loadFour(from + kSideBySide, 1),
                                 loadFour(from + 2 * kSideBySide, 1), loadFour(from + 3 * kSideBySide, 1)});
    storeFour(at(s, t), step, block.a);
    storeFour(at(s + 1, t), step, block.b);
    storeFour(at(s + 2, t), step, block.c);
    storeFour(at(s + 3, t), step, block.d);
  };
  forEachSquare(count, samples, square,
                [&](size_t s, size_t t) { *at(s, t) = static_cast<Number>(tile[t * kSideBySide + s]); });
}

constexpr SignalTable table = {sections, moving, dots, gather<double>, gather<float>, scatter<double>, scatter<float>};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const SignalTable& avx512Signals() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const SignalTable& avx2Signals() { return EEGTORCH_ISA::table; }
#else
const SignalTable& baselineSignals() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
