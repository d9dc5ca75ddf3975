import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { readEdf } from 'eegtorch'
import { describeWithShared, sharedPath } from '../shared.ts'

interface Expected {
  sfreq: number
  names: string[]
  n_samples: number
  at: number[]
  rows: number[]
  values: number[][]
  sums: number[]
  squares: number[]
  events: [number, number, string][]
}

const fixture = resolve(import.meta.dirname, '../fixtures/recordings/mne_edf.json')
const cases: Record<string, Expected> = JSON.parse(readFileSync(fixture, 'utf8'))

describeWithShared('the EDF reader agrees with MNE-Python', () => {
  test.each(Object.keys(cases))('%s', async (file) => {
    const expected = cases[file]!
    const recording = await readEdf(sharedPath('eeg', file))
    expect(recording.samplingRate).toBe(expected.sfreq)
    expect(recording.nSamples).toBe(expected.n_samples)
    expect(recording.channels.map(({ label }) => label)).toEqual(expected.names)
    expect(recording.events.map(({ onset, duration, label }) => [onset, duration, label])).toEqual(expected.events)

    const data = recording.read()
    let worst = 0
    for (const [i, samples] of data.entries()) {
      const scale = Math.max(...samples.map(Math.abs), Number.MIN_VALUE)
      const off = (actual: number, wanted: number, full: number) => {
        worst = Math.max(worst, Math.abs(actual - wanted) / full)
      }
      let sum = 0
      let squares = 0
      for (const x of samples) {
        sum += x
        squares += x * x
      }
      off(sum, expected.sums[i]!, scale * samples.length)
      off(squares, expected.squares[i]!, scale * scale * samples.length)
      const row = expected.rows.indexOf(i)
      if (row >= 0) expected.at.forEach((at, k) => void off(samples[at]!, expected.values[row]![k]!, scale))
    }
    expect(worst).toBeLessThan(1e-12)
  })
})
