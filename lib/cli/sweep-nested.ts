import { join } from 'node:path'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import type { Protocol } from '../evaluation/protocols.ts'
import { formatAccuracy } from '../evaluation/text.ts'
import { protocolOf } from '../experiment/make-splits.ts'
import { type Candidate, type NestedResult, nestedCrossValidate } from '../experiment/nested.ts'
import type { Sweep } from '../experiment/sweep/sweep.ts'
import { isNetwork } from '../experiment/sweep/sweep-models.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { type OptionSource, writtenAs } from './option-source.ts'
import { showProgress } from './progress-line.ts'
import { trainingOptions } from './run-training.ts'
import type { SweepConfig, SweepEntry } from './sweep-config.ts'
import type { TrainConfig } from './train-config.ts'
import { untilInterrupted } from './until-interrupted.ts'

/** What choosing decides itself, or has no place for. */
const UNHEEDED = ['validation', 'permutations', 'retrainings', 'controls', 'workers', 'tableOnly'] as const

/** @throws EegTorchError `INVALID_OPTION` for a sweep that cannot choose: classical decoders, options that nothing would heed */
export function checkNested(
  { inner, ...options }: SweepConfig,
  entries: readonly SweepEntry[],
  source: OptionSource = {},
): void {
  if (inner === undefined) return
  const config = { ...options, tableOnly: source.flags?.tableOnly }
  const decoder = entries.findIndex((entry) => entry.decoder !== undefined)
  const unheeded = UNHEEDED.find((name) => config[name] !== undefined)
  const [option, expected, received] =
    decoder >= 0
      ? [`models.${decoder}`, 'networks alone, beside inner', entries[decoder]!.name]
      : [unheeded, 'nothing beside inner', String(unheeded && config[unheeded])]
  if (option === undefined) return
  const written = writtenAs(option, config, source)
  throw new EegTorchError(
    'INVALID_OPTION',
    `option ${written.option} has no place where models are chosen in inner folds`,
    { ...written, expected, received },
  )
}

/** Chooses among the models of a sweep in inner folds, tests the chosen ones, and keeps the result in `nested.json`. */
export async function sweepNested(
  { models, windows }: Sweep,
  config: TrainConfig,
  inner: Protocol,
  { folder, json }: { folder: string; json: boolean },
): Promise<void> {
  const networks = models.filter(isNetwork)
  const candidates = networks.map(({ name, model, options }): Candidate => ({ name, factory: model, options }))
  const { summary, choices } = await untilInterrupted((signal) =>
    nestedCrossValidate(candidates, windows, {
      ...{ epochs: config.epochs, outer: protocolOf(trainingOptions(config))!, inner, signal },
      ...defined({ seeds: config.seeds, stimuliApart: config.stimuliApart }),
      onProgress: (_, { epoch, figures }) => {
        if (figures && !json) showProgress(`epoch ${epoch} `)
      },
    }),
  )
  const result = { summary, choices }
  await writeFileAtomically(join(folder, 'nested.json'), JSON.stringify(result, undefined, 2))
  console.log(json ? JSON.stringify(result) : formatNested(result, folder))
}

function formatNested({ summary, choices }: Omit<NestedResult, 'predictions'>, folder: string): string {
  const width = Math.max(...choices.map(({ fold }) => fold.length))
  const lines = choices.map(({ fold, chosen, scores }) => {
    const told = Object.entries(scores).map(([name, accuracy]) => `${name} ${accuracy.toFixed(3)}`)
    return `${fold.padEnd(width)}   ${chosen}   (inner folds: ${told.join(', ')})`
  })
  return [
    ...lines,
    `choosing and training together   ${formatAccuracy(summary.accuracy)}`,
    `choices  ${join(folder, 'nested.json')}`,
  ].join('\n')
}
