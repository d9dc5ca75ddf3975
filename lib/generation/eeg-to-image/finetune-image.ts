import { join } from 'node:path'
import { writeTorch } from '../../checkpoints/torch-writer.ts'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { makeFolder } from '../../files/make-folder.ts'
import type { Model } from '../../models/model.ts'
import type { PlainValue } from '../../pickle/to-plain.ts'
import { fitMapper, MAPPER_PHASES, type MapperOptions, type MapperTargets } from '../../regimes/mapper.ts'
import { TrainingCheckpoints } from '../../training/checkpoints.ts'
import type { EpochFigures } from '../../training/learning-curve.ts'
import type { TensorSet } from '../../training/tensor-set.ts'

/** How to train a mapper. The defaults are the design document's. */
export interface FinetuneImageOptions extends Omit<MapperOptions, 'store' | 'onEpoch' | 'earlyStopping' | 'monitor'> {
  /** Trials to read after each epoch; the mapper ends as it was when it read most of them right. Never test data. */
  validation?: TensorSet
  /** Where each epoch is kept, and what a training that was stopped goes on from. Absent: nowhere. */
  folder?: string
  /** Written into every file of weights: classes, encoder, targets; `seen`, the trials that shaped it, into those of the document too. */
  description?: Readonly<Record<string, unknown>>
  /** After the weights of an epoch are kept, before the next one; the mapper may be run. */
  onEpoch?: (epoch: FinetunedImageEpoch) => void | Promise<void>
}

/** What an epoch brought; epochs count from 1 through both phases. */
export interface FinetunedImageEpoch {
  epoch: number
  phase: 'warm-up' | 'joint'
  figures: EpochFigures
}

/** What a training of a mapper brought. */
export interface FinetunedImage {
  epochs: FinetunedImageEpoch[]
  /** With validation trials. */
  bestEpoch?: number
}

/**
 * Trains `eeg_clip_mapper` on tokens of EEG towards CLIP targets (design document eeg2image, third pipeline): the warm-up without the squared error to
 * hidden states of texts, then with it. Each epoch leaves `mapper_epochN.pth` and `mapper_epochN.safetensors`, the end `mapper.safetensors`.
 * Killed or aborted, it goes on from `folder` with the same options; on a CPU with the same number of threads bit for bit.
 *
 * @param trials inputs (trials, tokens, width), as {@link EegEncoder} gives them; targets class numbers
 * @throws EegTorchError `SHAPE_MISMATCH` for targets that the mapper cannot reach, `INVALID_OPTION`, `DIVERGED`, `CANCELLED`, `FILE_WRITE_FAILED`
 */
export async function finetuneImage(
  mapper: Model<'eeg_clip_mapper'>,
  trials: TensorSet,
  targets: MapperTargets,
  { folder, description = {}, onEpoch, ...options }: FinetuneImageOptions = {},
): Promise<FinetunedImage> {
  requireTargets(mapper, targets)
  const { warmUp = MAPPER_PHASES.warmUp, validation } = options
  const tell = (figures: EpochFigures): FinetunedImageEpoch => ({
    epoch: figures.epoch,
    phase: figures.epoch <= warmUp.epochs ? 'warm-up' : 'joint',
    figures,
  })
  const { epochs, bestEpoch } = await fitMapper(mapper, trials, targets, {
    ...options,
    // Losses of the two phases cannot be compared.
    ...(validation && { monitor: 'accuracy' as const }),
    ...(folder !== undefined && { store: new TrainingCheckpoints(join(folder, 'training'), { everyEpochs: 1 }) }),
    onEpoch: async (figures) => {
      if (folder !== undefined) await saveEpoch(folder, mapper, figures, description)
      await onEpoch?.(tell(figures))
    },
  })
  if (folder !== undefined) {
    const told = { ...description, ...defined({ bestEpoch }), epoch: bestEpoch ?? epochs.length }
    await mapper.save(join(folder, 'mapper.safetensors'), told)
  }
  return { epochs: epochs.map(tell), ...defined({ bestEpoch }) }
}

function requireTargets(
  { config }: Model<'eeg_clip_mapper'>,
  { imagePrototypes, textHidden }: Pick<MapperTargets, 'imagePrototypes' | 'textHidden'>,
): void {
  const { nOutputs, nQueries, clipDim } = config
  const agrees = (shape: readonly number[], expected: readonly number[]) => shape.join() === expected.join()
  if (agrees(imagePrototypes.shape, [nOutputs, clipDim]) && agrees(textHidden.shape, [nOutputs, nQueries, clipDim]))
    return
  throw new EegTorchError('SHAPE_MISMATCH', 'the targets do not fit the mapper', {
    expected: `pictures (${nOutputs}, ${clipDim}) and texts (${nOutputs}, ${nQueries}, ${clipDim})`,
    received: `pictures (${imagePrototypes.shape.join(', ')}) and texts (${textHidden.shape.join(', ')})`,
  })
}

/** The design document's file, with the token reducer, which has no weights, and one that tells its config. */
async function saveEpoch(
  folder: string,
  mapper: Model<'eeg_clip_mapper'>,
  { epoch, validationAccuracy }: EpochFigures,
  description: Readonly<Record<string, unknown>>,
): Promise<void> {
  const state = mapper.stateDict()
  try {
    await makeFolder(folder)
    await writeTorch(join(folder, `mapper_epoch${epoch}.pth`), {
      mapper: new Map(Object.entries(state)),
      token_reducer: new Map(),
      epoch,
      val_acc: validationAccuracy ?? null,
      seen: (description.seen ?? null) as PlainValue,
      seenSamples: (description.seenSamples ?? null) as PlainValue,
      ...defined({ preparedBy: description.preparedBy as PlainValue | undefined }),
    })
    await mapper.save(join(folder, `mapper_epoch${epoch}.safetensors`), { ...description, epoch })
  } finally {
    for (const tensor of Object.values(state)) tensor.dispose()
  }
}
