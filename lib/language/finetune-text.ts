import { join } from 'node:path'
import { openCheckpoint } from '../checkpoints/checkpoint.ts'
import { checkDescription } from '../checkpoints/json-file.ts'
import { writeTorch } from '../checkpoints/torch-writer.ts'
import { EegTorchError } from '../errors.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { Model } from '../models/model.ts'
import type { PlainValue } from '../pickle/to-plain.ts'
import type { Tensor } from '../tensor.ts'
import { TrainingCheckpoints } from '../training/checkpoints.ts'
import { type FitOptions, type FitResult, fit as train } from '../training/fit.ts'
import type { EpochFigures } from '../training/learning-curve.ts'
import { loss, optim } from '../training/options.ts'
import { type Phase, phasesOf } from '../training/phase.ts'
import { presets } from '../training/presets.ts'
import { schedules } from '../training/schedules.ts'
import { type PrefixPlace, SENTENCE_TOKENS } from './decoding.ts'
import { promptOf } from './eeg-to-text.ts'
import { accuracySchema, type KeywordAccuracy } from './keywords.ts'
import type { LanguageModel } from './language-model.ts'
import { type LabelledTokens, scoreText } from './score-text.ts'
import { encodeSentences, TextTask } from './text-task.ts'
import type { TextVocabulary } from './vocabularies.ts'

/** How to teach a language model to read EEG. The defaults are the design document's for motor imagery; visual imagery has 3 + 7 epochs. */
export interface FinetuneTextOptions extends Pick<FitOptions, 'signal' | 'onStep' | 'autocast' | 'dropLast'> {
  vocabulary: TextVocabulary
  place?: PrefixPlace
  /** The projection alone; default 5 epochs at 5e-4. */
  warmUp?: Phase
  /** With the adapter; default 15 epochs at 2e-4. */
  joint?: Phase
  /** Trials that make one step; default 32: the document's 4, gathered 8 times. */
  batchSize?: number
  /** Parts that a batch is cut into; default 8, or as many as it has trials. */
  accumulate?: number
  /** Default 0.01. */
  weightDecay?: number
  /** Default 1. */
  clipNorm?: number
  seed?: number
  /** Trials to read after each epoch. Never test data. */
  validation?: LabelledTokens
  /** New tokens of these at most; default 24. */
  maxNewTokens?: number
  /**
   * Where each epoch is kept: `projection_epochN.pth` and `lora_epochN/`, and what a training that was stopped goes on from. Absent: nowhere.
   */
  folder?: string
  /** Written into every `projection_epochN.pth` and beside the weights of every `lora_epochN/`: which trials it has seen, for one. */
  description?: Readonly<Record<string, PlainValue>>
  onEpoch?: (epoch: FinetunedEpoch) => void
}

/** What an epoch brought; epochs count from 1 through both phases. */
export interface FinetunedEpoch {
  epoch: number
  phase: 'warm-up' | 'joint'
  figures: EpochFigures
  /** With validation trials. */
  validation?: KeywordAccuracy
}

const TABLE = presets.eeg2image_text_bcic.options
const PHASES = phasesOf(TABLE)

/**
 * Teaches a language model to read EEG: a sentence of the vocabulary for each trial, first the projection alone, then with the adapter (AdamW, cosine,
 * clipped). Killed or aborted, it goes on from `folder` with the same options; on a CPU with the same number of threads bit for bit.
 *
 * @param language with an adapter (`newAdapter` or `adapter`)
 * @throws EegTorchError `INVALID_OPTION`, `SHAPE_MISMATCH`, `DIVERGED`, `CANCELLED`, `FILE_WRITE_FAILED`
 */
export async function finetuneText(
  projection: Model<'eeg_projection'>,
  language: LanguageModel,
  trials: LabelledTokens,
  options: FinetuneTextOptions,
): Promise<FinetunedEpoch[]> {
  const { vocabulary, place = 'before-prompt', folder, seed = 0 } = options
  checkTrials(trials, vocabulary)
  const { warmUp = PHASES.warmUp, joint = PHASES.joint } = options
  const phases = [
    { phase: 'warm-up' as const, ...warmUp, before: 0, freeze: ['adapter.*'] },
    { phase: 'joint' as const, ...joint, before: warmUp.epochs, freeze: undefined },
  ]
  const task = new TextTask(projection, language, promptOf(language, vocabulary), place)
  const epochs: FinetunedEpoch[] = []
  using sentences = await encodeSentences(language, vocabulary, trials.labels, seed)
  for (const { phase, epochs: count, lr, before, freeze } of phases) {
    if (count === 0) continue
    const result = await fitPhase(
      task,
      { inputs: trials.tokens, targets: sentences },
      {
        ...chosen(options),
        epochs: count,
        optimizer: optim.adamW({ lr, weightDecay: options.weightDecay ?? TABLE.weightDecay }),
        ...(freeze && { freeze }),
        ...(folder !== undefined && {
          store: new TrainingCheckpoints(join(folder, `training-${phase}`), { everyEpochs: 1 }),
        }),
        onEpoch: async (figures) => {
          const told = {
            epoch: before + figures.epoch,
            phase,
            figures,
            ...(await validate(projection, language, options)),
          }
          if (folder !== undefined) await saveEpoch(folder, told, projection, language, options.description)
          epochs.push(told)
          options.onEpoch?.(told)
        },
      },
    )
    epochs.unshift(...resumed(result, epochs, phase, before, options))
  }
  return epochs.sort((a, b) => a.epoch - b.epoch)
}

function fitPhase(task: TextTask, set: { inputs: Tensor; targets: Tensor }, options: FitOptions): Promise<FitResult> {
  return train(task, set, { ...options, loss: loss.output(), schedule: schedules.cosine() })
}

function chosen({
  batchSize = TABLE.batchSize,
  accumulate = Math.min(TABLE.accumulate, batchSize),
  clipNorm = TABLE.clipNorm,
  seed = 0,
  ...rest
}: FinetuneTextOptions) {
  const { signal, onStep, autocast, dropLast } = rest
  return {
    batchSize,
    accumulate,
    clipNorm,
    seed,
    ...(signal && { signal }),
    ...(onStep && { onStep }),
    ...(autocast && { autocast }),
    ...(dropLast !== undefined && { dropLast }),
  }
}

/** Epochs of an earlier run, which this one only read back: what they read of validation trials stands beside their weights. */
function resumed(
  { epochs }: FitResult,
  seen: readonly FinetunedEpoch[],
  phase: FinetunedEpoch['phase'],
  before: number,
  { folder, validation }: FinetuneTextOptions,
): FinetunedEpoch[] {
  const told = new Set(seen.map(({ epoch }) => epoch))
  return epochs
    .map((figures) => ({ epoch: before + figures.epoch, phase, figures }))
    .filter(({ epoch }) => !told.has(epoch))
    .map((each) => ({ ...each, ...(folder && validation && keptValidation(folder, each.epoch)) }))
}

function projectionFile(folder: string, epoch: number): string {
  return join(folder, `projection_epoch${epoch}.pth`)
}

/** @throws EegTorchError `FILE_INVALID` for a file without it */
function keptValidation(folder: string, epoch: number): { validation: KeywordAccuracy } {
  const file = projectionFile(folder, epoch)
  const { saved } = openCheckpoint(file, { key: 'projection' }).metadata
  return { validation: checkDescription(accuracySchema, saved?.validation, 'the validation', file) }
}

function checkTrials({ tokens, labels }: LabelledTokens, vocabulary: TextVocabulary): void {
  const wrong = labels.find((label) => vocabulary.sentences[label] === undefined)
  if (wrong !== undefined) {
    throw new EegTorchError('INVALID_OPTION', `the vocabulary ${vocabulary.name} has no such label`, {
      option: 'labels',
      expected: `0 to ${vocabulary.labels.length - 1}`,
      received: String(wrong),
    })
  }
  if (tokens.shape.length === 3 && tokens.shape[0] === labels.length && labels.length > 0) return
  throw new EegTorchError('SHAPE_MISMATCH', 'tokens and labels are not of the same trials', {
    expected: `(${labels.length}, tokens, width)`,
    received: `(${tokens.shape.join(', ')})`,
  })
}

async function validate(
  projection: Model<'eeg_projection'>,
  language: LanguageModel,
  {
    validation,
    vocabulary,
    place,
    maxNewTokens = SENTENCE_TOKENS,
    batchSize = TABLE.batchSize,
    signal,
  }: FinetuneTextOptions,
): Promise<{ validation?: KeywordAccuracy }> {
  if (validation === undefined) return {}
  return {
    validation: await scoreText({ projection, language, vocabulary, place }, validation, {
      maxNewTokens,
      batchSize,
      signal,
    }),
  }
}

/** The design document's files: the projection with the token reducer, which has no weights, and the adapter. */
async function saveEpoch(
  folder: string,
  { epoch, validation }: FinetunedEpoch,
  projection: Model<'eeg_projection'>,
  language: LanguageModel,
  description: Readonly<Record<string, PlainValue>> = {},
): Promise<void> {
  const state = projection.stateDict()
  try {
    await makeFolder(folder)
    await language.saveAdapter(join(folder, `lora_epoch${epoch}`), description)
    await writeTorch(projectionFile(folder, epoch), {
      ...description,
      projection: new Map(Object.entries(state)),
      token_reducer: new Map(),
      epoch,
      val_acc: validation?.accuracy ?? null,
      validation: validation === undefined ? null : { ...validation, interval: { ...validation.interval } },
    })
  } finally {
    for (const tensor of Object.values(state)) tensor.dispose()
  }
}
