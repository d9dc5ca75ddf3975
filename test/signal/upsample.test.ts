import { readFileSync } from 'node:fs'
import { simulateMotorImagery } from 'eegtorch'
import { upsampleRows } from '../../lib/signal/compute-thread.ts'

// What SciPy's resample_poly makes of the same signals; see make_upsample.py beside it.
const cases: { factor: number; length: number; x: number[]; y: number[] }[] = JSON.parse(
  readFileSync(new URL('../fixtures/signal/upsample.json', import.meta.url), 'utf8'),
)

test.each(cases.map((each) => [`${each.factor} on ${each.length} samples`, each] as const))(
  'factor %s is what SciPy does',
  async (_, { factor, length, x, y }) => {
    const received = await upsampleRows(Float32Array.from(x), length, factor)
    expect(received).toHaveLength(y.length)
    expect(Math.max(...y.map((value, i) => Math.abs(value - received[i]!)))).toBeLessThan(2e-6)
  },
)

test('windows are cut at the rate of the recording and have the higher one then', async () => {
  const recordings = simulateMotorImagery({ subjects: 1, runs: 1, trials: 4, samplingRate: 64 })
  const cut = (upsample: number) => recordings.windows({ from: 0, to: 1, upsample })
  const [once, twice] = [await cut(1), await cut(2)]
  expect([twice.nSamples, twice.samplingRate, twice.step]).toEqual([128, 128, 128])
  expect(twice.duration).toBe(once.duration)
  const [before, after] = [once.window(1).subarray(0, 64), twice.window(1).subarray(0, 128)]
  const scale = Math.max(...before.map(Math.abs))
  // The filter passes what is well below the old Nyquist frequency; the samples between are new.
  for (let i = 12; i < 52; i++) expect(Math.abs(after[2 * i]! - before[i]!) / scale).toBeLessThan(0.15)
  await expect(cut(1.5)).rejects.toThrow('a whole number from 1 to 16')
  await expect(cut(17)).rejects.toThrow('option upsample')
})
