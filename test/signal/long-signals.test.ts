import { builtEntry, runNode } from '../built.ts'

// A power of two, a prime, products of 3 and 5, of 2, 5, 7, 11 and 13, and another prime.
const lengths = [16384, 8209, 9375, 20020, 30011]

/**
 * The largest error of resampling and of the analytic signal on waves that are known everywhere, and of a row whose partner is not finite; and of
 * filters of few and many taps, against sums, and beside pieces that are far larger, or not finite.
 */
const program = `const { signal, stack, tensor } = await import(${JSON.stringify(builtEntry)})
  const tau = 2 * Math.PI
  const wave = (n, row, turn) => Float64Array.from({ length: n }, (_, k) =>
    [1, 17, 1009 + row].reduce((sum, f, i) => sum + (i + 1) * Math.cos(tau * ((f * k) % n) / n + row + i - turn), 0))
  const rows = (n, turn) => stack([0, 1, 2].map((row) => tensor(wave(n, row, turn))))
  const apart = (a, b) => a.sub(b).abs().max().item()
  const worst = ${JSON.stringify(lengths)}.map((n) => {
    const x = rows(n, 0)
    const count = Math.floor(n / 3)
    const alone = signal.resample(stack([tensor(new Float64Array(n).fill(Number.NaN)), tensor(wave(n, 0, 0))]), count)
    return Math.max(apart(signal.resample(x, count), rows(count, 0)), apart(signal.resample(x, 2 * n), rows(2 * n, 0)),
      apart(signal.envelope(x), rows(n, 0).square().add(rows(n, Math.PI / 2).square()).sqrt()), apart(alone.select(0, 1), rows(count, 0).select(0, 0)))
  })
  const noise = (n) => Float64Array.from({ length: n }, (_, i) => Math.sin(i * i * 0.37 + i))
  const filtered = (x, taps, places) => {
    const y = signal.firCausal(tensor(x), taps).toArray()
    return Math.max(...places.map((i) => Math.abs(y[i] - taps.reduce((sum, tap, k) => sum + tap * (x[i - k] ?? 0), 0))))
  }
  for (const count of [1, 40, 301, 2500])
    worst.push(filtered(noise(30013), noise(count).map((tap) => tap / count), Array.from({ length: 501 }, (_, k) => 60 * k)))
  const uneven = noise(40000).map((value, i) => (i < 4096 ? 1e9 * value : i === 30000 ? Number.NaN : value))
  worst.push(filtered(uneven, noise(40).map((tap) => tap / 40), [4300, 4700, 29330, 29700, 30300, 39999]))
  console.log(JSON.stringify(worst))`

test.each(['baseline', 'avx2', 'avx512'])(
  'long signals of any length are transformed to the last digits: %s',
  async (set) => {
    const env = { EEGTORCH_CPU_CAPABILITY: set }
    const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], { env })
    expect([code, stderr]).toEqual([0, ''])
    const errors = JSON.parse(stdout) as (number | null)[]
    expect(Math.max(...errors.map((error) => error ?? Number.NaN))).toBeLessThan(1e-12)
  },
)
