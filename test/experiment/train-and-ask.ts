import { join } from 'node:path'
import {
  type EegWindows,
  evaluateCheckpoint,
  leaveOneOut,
  type ModelFactory,
  type ModelName,
  TrainingCheckpoints,
  trainSplit,
} from 'eegtorch'

/** Trains on one run, tests on the other, and asks the kept weights again: how many windows were scored, and the share of right answers. */
export async function trainAndAsk<N extends ModelName>(
  factory: ModelFactory<N>,
  windows: EegWindows,
  folder: string,
  model: Record<string, unknown>,
) {
  const place = join(folder, factory.modelName)
  const { predictions } = await trainSplit(
    factory,
    windows,
    leaveOneOut(windows, 'run')[0]!,
    {},
    {
      ...{ epochs: 2, model, labelSmoothing: 0.1, classWeights: [1, 2] },
      store: {
        readOutcome: async () => undefined,
        writeOutcome: async () => undefined,
        trainingStore: (_, description) => new TrainingCheckpoints(place, { description }),
      },
    },
  )
  const kept = await evaluateCheckpoint(join(place, 'last.safetensors'), windows)
  const right = predictions.filter(({ truth, predicted }) => truth === predicted).length
  return {
    kept: [kept.windows, kept.summary.accuracy.mean],
    trained: [predictions.length, right / predictions.length],
  }
}
