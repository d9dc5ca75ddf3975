#include <initializer_list>

#include "kernels/native/doubles.h"
#include "kernels/native/fourier_table.h"

namespace eegtorch::kernels {

namespace EEGTORCH_ISA {

namespace {

struct Complexes {
  Doubles re, im;
};

inline Complexes operator+(const Complexes& a, const Complexes& b) { return {a.re + b.re, a.im + b.im}; }
inline Complexes operator-(const Complexes& a, const Complexes& b) { return {a.re - b.re, a.im - b.im}; }
// times -i
inline Complexes quarter(const Complexes& a) { return {a.im, -a.re}; }
inline Complexes times(const Complexes& a, double re, double im) {
  return {a.re * re - a.im * im, a.re * im + a.im * re};
}

// z becomes its transform.
template <size_t radix>
inline void transform(Complexes (&z)[radix], const double* roots) {
  // Pairs z[j], z[radix - j] share their cosines; their sines are opposite.
  constexpr size_t pairs = (radix - 1) / 2;
  Complexes sums[pairs], differences[pairs], total = z[0];
  for (size_t j = 0; j < pairs; j++) {
    sums[j] = z[j + 1] + z[radix - 1 - j];
    differences[j] = z[j + 1] - z[radix - 1 - j];
    total = total + sums[j];
  }
  const Complexes first = z[0];
  z[0] = total;
  for (size_t k = 1; k <= pairs; k++) {
    Complexes even = first, odd = {};
    for (size_t j = 0; j < pairs; j++) {
      const double* root = roots + 2 * ((j + 1) * k % radix);
      even = {even.re + root[0] * sums[j].re, even.im + root[0] * sums[j].im};
      // i times the sine of a negative angle, from the root's imaginary part
      odd = {odd.re - root[1] * differences[j].im, odd.im + root[1] * differences[j].re};
    }
    z[k] = even + odd;
    z[radix - k] = even - odd;
  }
}

template <>
inline void transform<2>(Complexes (&z)[2], const double*) {
  const Complexes difference = z[0] - z[1];
  z[0] = z[0] + z[1];
  z[1] = difference;
}

template <>
inline void transform<4>(Complexes (&z)[4], const double*) {
  const Complexes a = z[0] + z[2], b = z[0] - z[2], c = z[1] + z[3], d = quarter(z[1] - z[3]);
  z[0] = a + c;
  z[1] = b + d;
  z[2] = a - c;
  z[3] = b - d;
}

template <size_t radix>
void stageOf(const FourierStage& stage, const double* from, double* to) {
  const size_t apart = stage.span * stage.parts * kPoint;
  for (size_t p = 0; p < stage.parts; p++) {
    const double* turns = stage.turns + 2 * p * (radix - 1);
    for (size_t q = 0; q < stage.span; q++) {
      for (size_t v = 0; v < kTogether; v += doubles) {
        const double* x = from + (q + stage.span * p) * kPoint + v;
        double* y = to + (q + stage.span * radix * p) * kPoint + v;
        Complexes z[radix];
        for (size_t j = 0; j < radix; j++) z[j] = {loadDoubles(x + j * apart), loadDoubles(x + j * apart + kTogether)};
        transform<radix>(z, stage.roots);
        for (size_t k = 0; k < radix; k++) {
          const Complexes out = k == 0 || p == 0 ? z[k] : times(z[k], turns[2 * k - 2], turns[2 * k - 1]);
          storeDoubles(y + k * stage.span * kPoint, out.re);
          storeDoubles(y + k * stage.span * kPoint + kTogether, out.im);
        }
      }
    }
  }
}

void stage(const FourierStage& stage, const double* from, double* to) {
  switch (stage.radix) {
    case 2:
      return stageOf<2>(stage, from, to);
    case 3:
      return stageOf<3>(stage, from, to);
    case 4:
      return stageOf<4>(stage, from, to);
    case 5:
      return stageOf<5>(stage, from, to);
    case 7:
      return stageOf<7>(stage, from, to);
    case 11:
      return stageOf<11>(stage, from, to);
    default:
      return stageOf<13>(stage, from, to);
  }
}

void gather(const double* x, size_t step, size_t points, size_t count, bool swapped, double* tile) {
  const size_t re = swapped ? kTogether : 0, im = kTogether - re;
  const auto take = [&](size_t given) __attribute__((always_inline)) {
    for (size_t j = 0; j < kTogether; j++) {
      tile[re + j] = j < given ? x[2 * j] : 0;
      tile[im + j] = j < given ? x[2 * j + 1] : 0;
    }
  };
  for (size_t p = 0; p < points; p++, x += 2 * step, tile += kPoint) count == kTogether ? take(kTogether) : take(count);
}

void scatter(const double* tile, size_t points, size_t count, bool swapped, double scale, double* x, size_t step) {
  const size_t re = swapped ? kTogether : 0, im = kTogether - re;
  const auto put = [&](size_t given) __attribute__((always_inline)) {
    for (size_t j = 0; j < given; j++) {
      x[2 * j] = scale * tile[re + j];
      x[2 * j + 1] = scale * tile[im + j];
    }
  };
  for (size_t p = 0; p < points; p++, x += 2 * step, tile += kPoint) count == kTogether ? put(kTogether) : put(count);
}

// 8 x 8 numbers, rows kPoint apart, to the same with rows and columns exchanged.
inline void turnOver(const double* from, double* to) {
  const auto load = [&](size_t row, size_t column) {
    return *reinterpret_cast<const FourOf<double>*>(from + row * kPoint + column);
  };
  for (size_t row = 0; row < kTogether; row += 4)
    for (size_t column = 0; column < kTogether; column += 4) {
      const Square square =
          turned({load(row, column), load(row + 1, column), load(row + 2, column), load(row + 3, column)});
      double* at = to + column * kPoint + row;
      for (const Four& four : {square.a, square.b, square.c, square.d}) {
        *reinterpret_cast<FourOf<double>*>(at) = four;
        at += kPoint;
      }
    }
}

void exchange(const double* from, const double* own, const double* each, double* to) {
  double points[kTogether * kPoint];
  for (size_t i = 0; i < kTogether; i++)
    for (size_t v = 0; v < kTogether; v += doubles) {
      const size_t at = i * kPoint + v;
      const Complexes shared = {loadDoubles(each + at), loadDoubles(each + at + kTogether)};
      const Complexes turn = times(shared, own[2 * i], own[2 * i + 1]);
      const Doubles re = loadDoubles(from + at), im = loadDoubles(from + at + kTogether);
      storeDoubles(points + at, re * turn.re - im * turn.im);
      storeDoubles(points + at + kTogether, re * turn.im + im * turn.re);
    }
  turnOver(points, to);
  turnOver(points + kTogether, to + kTogether);
}

constexpr FourierTable table = {stage, gather, scatter, exchange};

}  // namespace

}  // namespace EEGTORCH_ISA

#if EEGTORCH_LANES == 16
const FourierTable& avx512Fourier() { return EEGTORCH_ISA::table; }
#elif EEGTORCH_LANES == 8
const FourierTable& avx2Fourier() { return EEGTORCH_ISA::table; }
#else
const FourierTable& baselineFourier() { return EEGTORCH_ISA::table; }
#endif

}  // namespace eegtorch::kernels
