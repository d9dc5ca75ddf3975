#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

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

void take(const double* re, const double* im, size_t step, size_t points, size_t count, double* tile) {
  const auto some = [&](size_t given) __attribute__((always_inline)) {
    for (size_t j = 0; j < kTogether; j++) {
      tile[j] = j < given ? re[j] : 0;
      tile[kTogether + j] = j < given ? im[j] : 0;
    }
  };
  for (size_t p = 0; p < points; p++, re += step, im += step, tile += kPoint) {
    // the next ones: so far apart, the processor does not foresee them
    __builtin_prefetch(re + kTogether);
    __builtin_prefetch(im + kTogether);
    count == kTogether ? some(kTogether) : some(count);
  }
}

void give(const double* tile, size_t points, size_t count, double* re, double* im, size_t step) {
  const auto some = [&](size_t given) __attribute__((always_inline)) {
    for (size_t j = 0; j < given; j++) {
      re[j] = tile[j];
      im[j] = tile[kTogether + j];
    }
  };
  for (size_t p = 0; p < points; p++, re += step, im += step, tile += kPoint)
    count == kTogether ? some(kTogether) : some(count);
}

// Four rows of x, four numbers each, as columns of y, or back.
inline void turnFour(const double* x, size_t x_row, double* y, size_t y_row) {
  using Fours = FourOf<double>;
  const auto load = [&](size_t row) { return *reinterpret_cast<const Fours*>(x + row * x_row); };
  const Square square = turned({load(0), load(1), load(2), load(3)});
  for (const Four& four : {square.a, square.b, square.c, square.d}) {
    *reinterpret_cast<Fours*>(y) = four;
    y += y_row;
  }
}

void takePart(const double* x, size_t row, size_t points, size_t count, double* tile) {
  const size_t whole = count == kTogether ? points / 4 * 4 : 0;
  for (size_t p = 0; p < whole; p += 4)
    for (size_t j = 0; j < kTogether; j += 4) turnFour(x + j * row + p, row, tile + p * kPoint + j, kPoint);
  for (size_t p = whole; p < points; p++)
    for (size_t j = 0; j < kTogether; j++) tile[p * kPoint + j] = j < count ? x[j * row + p] : 0;
}

void givePart(const double* tile, size_t points, size_t count, double* x, size_t row) {
  const size_t whole = count == kTogether ? points / 4 * 4 : 0;
  for (size_t p = 0; p < whole; p += 4)
    for (size_t j = 0; j < kTogether; j += 4) turnFour(tile + p * kPoint + j, kPoint, x + j * row + p, row);
  for (size_t p = whole; p < points; p++)
    for (size_t j = 0; j < count; j++) x[j * row + p] = tile[p * kPoint + j];
}

void takeRows(const double* re, const double* im, size_t row, size_t points, size_t count, double* tile) {
  takePart(re, row, points, count, tile);
  takePart(im, row, points, count, tile + kTogether);
}

void giveRows(const double* tile, size_t points, size_t count, double* re, double* im, size_t row) {
  givePart(tile, points, count, re, row);
  givePart(tile + kTogether, points, count, im, row);
}

inline Complexes complexes(const double* p) { return {loadDoubles(p), loadDoubles(p + kTogether)}; }

inline Complexes times(const Complexes& a, const Complexes& b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

void turn(size_t points, const double* own, const double* each, double* tile) {
  for (size_t p = 0; p < points; p++)
    for (size_t v = 0; v < kTogether; v += doubles) {
      double* at = tile + p * kPoint + v;
      const Complexes turned =
          times(complexes(at), times(complexes(each + p * kPoint + v), own[2 * p], own[2 * p + 1]));
      storeDoubles(at, turned.re);
      storeDoubles(at + kTogether, turned.im);
    }
}

void multiply(size_t points, const double* factors, double* tile) {
  for (size_t p = 0; p < points; p++)
    for (size_t v = 0; v < kTogether; v += doubles) {
      double* at = tile + p * kPoint + v;
      const Complexes product = times(complexes(at), complexes(factors + p * kPoint + v));
      storeDoubles(at, product.im);
      storeDoubles(at + kTogether, product.re);
    }
}

double normalise(double* x, size_t n) {
  constexpr size_t several = 4 * doubles;
  Doubles sizes[4] = {}, sums[4] = {};
  size_t i = 0;
  for (; i + several <= n; i += several)
    for (size_t k = 0; k < 4; k++) {
      const Doubles v = loadDoubles(x + i + k * doubles), size = v < 0 ? -v : v;
      sizes[k] = size > sizes[k] ? size : sizes[k];
      sums[k] += v;
    }
  double largest = 0, sum = 0;
  for (; i < n; i++) {
    largest = std::max(largest, std::abs(x[i]));
    sum += x[i];
  }
  for (size_t k = 0; k < 4; k++)
    for (size_t lane = 0; lane < doubles; lane++) {
      largest = std::max(largest, sizes[k][lane]);
      sum += sums[k][lane];
    }
  if (!std::isfinite(sum)) {
    std::fill_n(x, n, 0.0);
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (largest == 0) return 1;
  const int exponent = std::max(std::ilogb(largest), -1000);
  const double scale = std::ldexp(1.0, -exponent);
  for (i = 0; i < n; i++) x[i] *= scale;
  return std::ldexp(1.0, exponent);
}

void magnitude(const double* x, const double* y, double factor, double* out, size_t n) {
  size_t i = 0;
  for (; i + doubles <= n; i += doubles) {
    const Doubles re = loadDoubles(x + i), im = factor * loadDoubles(y + i);
    storeDoubles(out + i, root(re * re + im * im));
  }
  for (; i < n; i++) out[i] = std::sqrt(x[i] * x[i] + factor * y[i] * factor * y[i]);
}

constexpr FourierTable table = {stage,    gather,   scatter, exchange, take,      give,
                                takeRows, giveRows, turn,    multiply, normalise, magnitude};

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
