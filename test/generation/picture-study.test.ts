import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ImageNetworks, leaveOneOut, noGrad, randn, scoreFolder, simulateVisualResponses, type Tensor } from 'eegtorch'
import { demoPictures } from '../../lib/cli/demo-pictures.ts'
import { readGenerations } from '../../lib/generation/pictures/generation-record.ts'
import { drawStimuli } from '../../lib/generation/study/drawn-stimuli.ts'
import { runPictureStudy } from '../../lib/generation/study/picture-study.ts'
import { STUDY_SIDE, studyScheduler } from '../../lib/generation/study/study-networks.ts'
import { readStimuli, type StimulusParts } from '../../lib/generation/study/study-stimuli.ts'
import type { StudyTraining } from '../../lib/generation/study/train-study.ts'
import { useOneThread } from '../one-thread.ts'
import { rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-study-'))
const CLASSES = ['face', 'house']
let stimuli: StimulusParts

useOneThread()
beforeAll(async () => {
  await drawStimuli(join(folder, 'stimuli'))
  stimuli = await readStimuli(join(folder, 'stimuli'), CLASSES, { side: STUDY_SIDE, seed: 0 })
})

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

test('drawing starts from pure noise, and a network that is right about the picture leaves none of it', () => {
  const scheduler = studyScheduler()
  const { alphasCumprod } = scheduler.schedule
  expect(alphasCumprod.at(-1)).toBe(0)
  const picture = noGrad(() => randn([1, 8, 4, 4])) as Tensor
  const sampling = scheduler.steps(25)
  expect(sampling.timesteps[0]).toBe(alphasCumprod.length - 1)
  let sample = noGrad(() => randn([1, 8, 4, 4])) as Tensor
  for (const timestep of sampling.timesteps) {
    const alpha = alphasCumprod[timestep]!
    const [signal, rest] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)]
    const noise = sample.sub(picture.mul(signal)).div(rest)
    sample = sampling.step(noise.mul(signal).sub(picture.mul(rest)), sample)
  }
  expect(sample.sub(picture).abs().max().item()).toBeLessThan(1e-4)
})

test('the network reads classes from the last run, and every kind of control is drawn for the same trials', async () => {
  const windows = await simulateVisualResponses({ runs: 3, trials: 20 })
    .filter({ band: [1, 30] })
    .windows({ from: 0, to: 0.6 })
  const split = leaveOneOut(windows, 'run').at(-1)!
  const kinds: string[] = []
  const progress: StudyTraining[] = []
  const { decoding, drawn, trainLoss, proof } = await runPictureStudy(windows, split, stimuli, {
    ...{ batches: 10, pictures: 4, steps: 2, seed: 3 },
    onDrawing: (kind) => kinds.push(kind),
    onTraining: (now) => progress.push(now),
  })
  expect(decoding).toMatchObject({ n: 40, chance: 0.5 })
  expect(proof.trials).toMatchObject({ train: 80, test: 40 })
  const leaking = { ...split, train: [...split.train, split.test[0]!] }
  expect((await rejectionOf(runPictureStudy(windows, leaking, stimuli))).code).toBe('SPLIT_LEAKS')
  expect(trainLoss).toBeGreaterThan(0)
  expect(progress.length).toBe(10)
  expect(progress.at(-1)).toMatchObject({ epoch: 0, epochs: 1, step: 10, steps: 10 })
  expect(kinds).toEqual(['made', 'shuffled', 'random', 'label'])
  expect(drawn.map(({ truth }) => truth)).toEqual([0, 1, 0, 1])
  expect(drawn.every(({ window }) => split.test.includes(window))).toBe(true)
  for (const { pictures } of drawn) {
    const different = new Set(Object.values(pictures).map(({ pixels }) => pixels.join()))
    expect([Object.keys(pictures), different.size]).toEqual([kinds, 4])
  }
})

test('the demo leaves pictures, their log, a grid and a page that says what the score means', async () => {
  const out = join(folder, 'demo')
  const { report, lines, facts } = await demoPictures({
    ...{ folder: out, stimuli: join(folder, 'stimuli'), quiet: true },
    recordings: simulateVisualResponses({ runs: 2, trials: 16 }),
    study: { batches: 4, pictures: 4, steps: 2 },
  })
  const html = readFileSync(report, 'utf8')
  expect(html).toContain('SIMULATED DATA')
  expect(html).toContain('this shows that the class was decoded, not that somebody saw this picture')
  expect(html).toContain('Stimuli are paired by class')
  expect(html).toContain('<th>one of its class</th>')
  expect(html).toMatch(/src="data:image\/png;base64,/)
  expect(lines[0]).toMatch(/^face or house, all test trials: accuracy 0\.\d{3} {3}n = 32 trials/)
  expect(lines.some((line) => line.startsWith('like its class, pixels'))).toBe(true)
  const records = readGenerations(join(out, 'generations.jsonl'))
  expect(records.map((record) => record.true)).toEqual([...CLASSES, ...CLASSES])
  expect(records.every(({ file }) => existsSync(join(out, file)))).toBe(true)
  expect(existsSync(join(out, 'summary_grid.png'))).toBe(true)

  expect(facts.proof.compared).toBe(64)
  expect(html).toMatch(/proved: no trial, no time and no samples of 64 windows/)
  const like = facts.scores.scores.find(({ name }) => name === 'class:pixels')!
  expect(like).toMatchObject({ chance: 0.5, score: { n: 4 } })
  expect(Object.keys(like.controls)).toEqual(['shuffled', 'random', 'label', 'nearest'])
  expect(facts.scores).toMatchObject({ pairing: 'class', missing: {}, memorisation: { trainingPictures: 36 } })
  // What was written is what the command would score.
  using networks = await ImageNetworks.open({})
  const [against, training] = ['held-out', 'trained-on'].map((name) => join(out, 'stimuli', name))
  const again = await scoreFolder(out, { networks, against, training: training!, size: STUDY_SIDE })
  expect(again.scores).toEqual(facts.scores.scores)
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
