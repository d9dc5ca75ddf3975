import type { Prediction } from '../../lib/evaluation/predictions.ts'
import { exampleSignals } from '../../lib/report/example-signals.ts'
import type { RunReport } from '../../lib/report/run-report.ts'
import type { LearningCurve } from '../../lib/training/learning-curve.ts'

export interface SampleOptions {
  classes?: string[]
  subjects?: number
  seeds?: number
  epochs?: number
}

/** A run with made-up figures, the same at every call. */
export async function sampleRun({
  classes = ['both fists', 'both feet'],
  subjects = 1,
  seeds = 3,
  epochs = 40,
}: SampleOptions = {}): Promise<RunReport> {
  const random = generator(7)
  const runs = ['R05', 'R06', 'R09', 'R10', 'R13', 'R14']
  const answer = (skill: number, seed: number): Prediction[] =>
    Array.from({ length: subjects }, (_, s) => s).flatMap((s) =>
      runs.flatMap((run, fold) =>
        Array.from({ length: 15 }, (_, trial): Prediction => {
          const truth = trial % classes.length
          const predicted = random() < skill ? truth : Math.floor(random() * classes.length)
          return { subject: `S00${s + 1}`, trial: `${run}:${trial}`, fold, seed, truth, predicted }
        }),
      ),
    )
  const seedList = Array.from({ length: seeds }, (_, seed) => seed)
  return {
    title: 'eegnet on EEGMMIDB S001, both fists against both feet',
    simulated: true,
    createdAt: '2026-11-21T01:30:12.345Z',
    seconds: 312.4,
    model: { name: 'eegnet', parameters: 2898 },
    protocol:
      'Leave one run out, 6 folds; window 0.5–3.5 s after the cue; band 4–38 Hz; executed and imagined movement.',
    classes,
    predictions: seedList.flatMap((seed) => answer(0.9, seed)),
    curves: runs.flatMap((_, fold) => seedList.map((seed) => sampleCurve(fold, seed, epochs, random))),
    split: {
      by: 'run',
      statement: 'No trial and no moment of a recording is in two parts of a fold.',
      folds: runs.map((run) => ({ name: `S001${run}`, train: 60, validation: 15, test: 15 })),
    },
    baselines: [{ name: 'CSP + LDA, 8–30 Hz', predictions: answer(0.92, 0) }],
    signals: await exampleSignals(sampleWindows(classes.length, random), { classes }),
    configuration: {
      model: 'eegnet',
      window: { from: 0.5, to: 3.5 },
      band: [4, 38],
      optimizer: { name: 'adam', lr: 1e-3 },
      batchSize: 16,
      epochs,
    },
    versions: { eegtorch: '0.1.0', LibTorch: '2.11.0+cu130', node: 'v20.20.2' },
    hardware: { processor: '2 threads, AVX-512', memory: '8 GiB', GPU: 'none' },
    command: 'eegtorch train eegnet --data eegmmidb/ --task fists-feet --window 0.5..3.5 --leave-out run --seeds 3',
  }
}

function sampleCurve(fold: number, seed: number, epochs: number, random: () => number): LearningCurve {
  const [pace, floor] = [0.08 + 0.05 * random(), 0.15 + 0.1 * random()]
  const noise = (size: number) => size * (random() - 0.5)
  return {
    fold,
    seed,
    bestEpoch: epochs - 2,
    epochs: Array.from({ length: epochs }, (_, i) => {
      const rest = Math.exp(-pace * i)
      return {
        epoch: i + 1,
        trainLoss: 0.1 + 0.6 * rest + noise(0.03),
        validationLoss: floor + 0.55 * rest + noise(0.08),
        trainAccuracy: Math.min(1, 0.98 - 0.48 * rest + noise(0.03)),
        validationAccuracy: Math.min(1, Math.round(15 * (0.93 - 0.43 * rest + noise(0.1))) / 15),
      }
    }),
  }
}

function sampleWindows(classes: number, random: () => number) {
  const [nWindows, nSamples, samplingRate] = [30, 480, 160]
  const channelNames = ['C3', 'Cz', 'C4', 'Fz', 'Pz', 'O1']
  const data = new Float32Array(nWindows * channelNames.length * nSamples)
  const labels = Int32Array.from({ length: nWindows }, (_, i) => i % classes)
  for (let row = 0; row < nWindows * channelNames.length; row++) {
    const [phase, size] = [6.28 * random(), 8e-6 * (1 + labels[Math.floor(row / channelNames.length)]!)]
    let drift = 0
    for (let i = 0; i < nSamples; i++) {
      drift = 0.97 * drift + 3e-6 * (random() - 0.5)
      data[row * nSamples + i] = size * Math.sin((2 * Math.PI * 11 * i) / samplingRate + 0.2 * phase) + 2 * drift
    }
  }
  return { data, nChannels: channelNames.length, nSamples, labels, samplingRate, channelNames, from: -0.5 }
}

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
