import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Pipeline, type RecipeName, type Recording, recipes, simulateEcg, simulateEmg } from 'eegtorch'
import { packageRoot } from '../../lib/setup/paths.ts'
import { makeRecording } from '../recordings/make-recording.ts'
import { errorOf } from '../thrown.ts'

const file = join(packageRoot, 'test', 'fixtures', 'preprocessing', 'recipes.json')
const { channels, seconds, cues, cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  channels: string[]
  seconds: number
  cues: number[]
  cases: { recipe: RecipeName; rate: number; shape: number[]; every: number; values: number[]; rounding?: number }[]
}

/** As make_recipes.py, beside the file, makes it. */
function recordingOf(samplingRate: number): Recording {
  const nSamples = seconds * samplingRate
  const { PI, sin } = Math
  const data = channels.map((_, c) =>
    Float64Array.from({ length: nSamples }, (_, i) => {
      const t = i / samplingRate
      const rhythm = sin(2 * PI * 10 * t + c) * (1 + 0.5 * sin(2 * PI * 0.3 * t))
      const drift = 2 * sin(2 * PI * 0.1 * t + 2 * c) + 3 * c + 1
      return 1e-5 * (rhythm + 0.5 * sin(2 * PI * (23 + 7 * c) * t) + drift)
    }),
  )
  const events = cues.map((onset) => ({ onset, duration: 0, label: 'cue' }))
  return makeRecording({ channels, samplingRate, nSamples, data, events })
}

test.each(cases)(
  '$recipe gives what SciPy, MNE-Python and braindecode give',
  async ({ recipe, rate, shape, every, values, rounding = 0 }) => {
    const windows = await Pipeline.recipe(recipe).windows(recordingOf(rate))
    expect([windows.length, windows.nChannels, windows.nSamples]).toEqual(shape)
    const largest = Math.max(...values.map(Math.abs))
    const differences = values.map((value, i) => Math.abs(windows.data[i * every]! - value))
    expect(Math.max(...differences)).toBeLessThan(1e-6 * largest + rounding)
  },
)

test('a recipe is known by its name, and its YAML is the same pipeline', async () => {
  for (const name of Object.keys(recipes) as RecipeName[]) {
    const recipe = Pipeline.recipe(name)
    expect(Pipeline.parse(recipe.toYaml()).hash).toBe(recipe.hash)
    expect((await Pipeline.find(name)).hash).toBe(recipe.hash)
  }
  expect(errorOf(() => Pipeline.recipe('cbramot' as RecipeName)).message).toMatch(
    /no recipe is called cbramot: expected one of eeg2image/,
  )
})

test('the recipe for electromyograms shows when a muscle is tense', async () => {
  const recording = simulateEmg({ duration: 30, seed: 3 })
  const out = (await Pipeline.recipe('emg').apply(recording)) as Recording
  const [row] = out.read()
  const isTense = (t: number) => recording.events.some(({ onset, duration }) => t >= onset && t < onset + duration)
  const wrong = row!.filter((value, i) => value > 50e-6 !== isTense(i / recording.samplingRate)).length
  expect(wrong / row!.length).toBeLessThan(0.02)
})

test.each([
  ['at rest', { seed: 1 }],
  ['fast', { seed: 2, heartRate: 150 }],
  ['slow, with much noise', { seed: 3, heartRate: 45, noise: 60e-6 }],
  ['at 1000 Hz', { seed: 4, samplingRate: 1000 }],
])('the recipe for electrocardiograms finds every beat: %s', async (_, options) => {
  const recording = simulateEcg(options)
  const out = (await Pipeline.recipe('ecg').apply(recording)) as Recording
  const times = (label: string) => out.events.filter((event) => event.label === label).map(({ onset }) => onset)
  const [known, found] = [times('beat'), times('R')]
  expect(found.length).toBe(known.length)
  for (const [i, onset] of known.entries()) expect(Math.abs(found[i]! - onset)).toBeLessThan(0.01)
})
