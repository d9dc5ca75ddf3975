import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leaveOneOut, numThreads, setNumThreads, simulateVisualResponses } from 'eegtorch'
import { demoPictures } from '../../lib/cli/demo-pictures.ts'
import { readGenerations } from '../../lib/generation/pictures/generation-record.ts'
import { drawStimuli } from '../../lib/generation/study/drawn-stimuli.ts'
import { runPictureStudy } from '../../lib/generation/study/picture-study.ts'
import { STUDY_SIDE } from '../../lib/generation/study/study-networks.ts'
import { scorePictures } from '../../lib/generation/study/study-scores.ts'
import { readStimuli, type StimulusParts } from '../../lib/generation/study/study-stimuli.ts'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-study-'))
const CLASSES = ['face', 'house']
let stimuli: StimulusParts
let threads: number

// Networks this small only wait for a second thread.
beforeAll(async () => {
  threads = numThreads()
  await setNumThreads(1)
  await drawStimuli(join(folder, 'stimuli'))
  stimuli = await readStimuli(join(folder, 'stimuli'), CLASSES, { side: STUDY_SIDE, seed: 0 })
})
afterAll(() => setNumThreads(threads))

test('a quarter of each class of pictures is held out, the same for a seed', async () => {
  const labels = (part: StimulusParts['heldOut']) => part.filter(({ label }) => label === 0).length
  expect([stimuli.heldOut, stimuli.training].map((part) => [part.length, labels(part)])).toEqual([
    [12, 6],
    [36, 18],
  ])
  const again = await readStimuli(join(folder, 'stimuli'), CLASSES, { side: 8, seed: 0 })
  expect(again.heldOut.map(({ file }) => file)).toEqual(stimuli.heldOut.map(({ file }) => file))
  const files = new Set(stimuli.training.map(({ file }) => file))
  expect(stimuli.heldOut.some(({ file }) => files.has(file))).toBe(false)
})

test('pictures of a class are told by their pixels, those of another class are wrong, and copies show', async () => {
  const own = stimuli.training.map(({ picture, label }) => ({ picture, label }))
  const right = await scorePictures('copies', own, stimuli, 2)
  expect(right.identification.accuracy).toBeGreaterThan(0.9)
  expect(right.nearestTraining).toBeCloseTo(1, 9)
  expect(right.nearestHeldOut).toBeLessThan(0.995)
  const swapped = own.map(({ picture, label }) => ({ picture, label: 1 - label }))
  expect((await scorePictures('swapped', swapped, stimuli, 2)).identification.accuracy).toBeLessThan(0.1)
})

test('the network reads classes from the last run, and every kind of control is drawn and scored', async () => {
  const windows = simulateVisualResponses({ runs: 3, trials: 20 })
    .filter({ band: [1, 30] })
    .windows({ from: 0, to: 0.6 })
  const split = leaveOneOut(windows, 'run').at(-1)!
  const { decoding, drawn, scores } = await runPictureStudy(windows, split, stimuli, {
    ...{ epochs: 1, pictures: 4, steps: 2, seed: 3 },
  })
  expect(decoding).toMatchObject({ n: 40, chance: 0.5 })
  expect(drawn.map(({ truth }) => truth)).toEqual([0, 0, 1, 1])
  expect(drawn.every(({ window }) => split.test.includes(window))).toBe(true)
  expect(scores.map(({ name }) => name)).toEqual([
    'EEG',
    'EEG of other trials',
    'noise',
    'class that was read, no EEG',
    'nearest training picture',
  ])
  expect(scores.every(({ identification: { n, low, high } }) => n === 4 && low < high)).toBe(true)
  expect(scores.at(-1)!.nearestTraining).toBeCloseTo(1, 9)
})

test('the demo leaves pictures, their log, a grid and a page that says what the score means', async () => {
  const out = join(folder, 'demo')
  const { report, lines } = await demoPictures({
    ...{ folder: out, stimuli: join(folder, 'stimuli'), quiet: true },
    recordings: simulateVisualResponses({ runs: 2, trials: 16 }),
    study: { epochs: 1, pictures: 2, steps: 2 },
  })
  const html = readFileSync(report, 'utf8')
  expect(html).toContain('SIMULATED DATA')
  expect(html).toContain('this shows that the class was decoded, not that somebody saw this picture')
  expect(html).toMatch(/src="data:image\/png;base64,/)
  expect(lines[0]).toMatch(/^face or house: accuracy 0\.\d{3}, n = 32 test trials/)
  const records = readGenerations(join(out, 'pictures', 'generations.jsonl'))
  expect(records.map((record) => record.true)).toEqual(CLASSES)
  expect(records.every(({ file }) => existsSync(join(out, 'pictures', file)))).toBe(true)
  expect(existsSync(join(out, 'pictures', 'summary_grid.png'))).toBe(true)
})

test('a folder without a class, and files that are no pictures, are named', async () => {
  const missing = await rejectionOf(readStimuli(join(folder, 'stimuli'), ['face', 'tree'], { side: 8, seed: 0 }))
  expect(missing).toMatchObject({ code: 'FILE_NOT_FOUND', message: expect.stringContaining('tree') })
  const broken = join(folder, 'broken')
  await drawStimuli(broken)
  writeFileSync(join(broken, 'faces', 'face_03.png'), 'no picture')
  const error = await rejectionOf(readStimuli(broken, CLASSES, { side: 8, seed: 0 }))
  expect(error).toMatchObject({ code: 'FILE_INVALID', file: expect.stringContaining('face_03.png') })
})
