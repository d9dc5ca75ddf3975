import { join } from 'node:path'
import type { Command } from 'commander'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { requirePreparedFor } from '../generation/sources/picture-work.ts'
import { type FinetunedEpoch, finetuneText } from '../language/finetune-text.ts'
import type { KeywordAccuracy } from '../language/keywords.ts'
import { LanguageModel } from '../language/language-model.ts'
import { scoreText } from '../language/score-text.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { labelsOfClasses } from '../language/vocabulary-labels.ts'
import type { Model } from '../models/model.ts'
import { models } from '../models/models.ts'
import { manualSeed, numThreads } from '../runtime.ts'
import { openStore } from '../store/open-store.ts'
import { storeIdentity } from '../store/store-identity.ts'
import { phasesOf } from '../training/phase.ts'
import { accuracyWords } from './accuracy-words.ts'
import { readCommandConfig } from './command-config.ts'
import { encodeParts } from './encode-parts.ts'
import { completeConfig, type FinetuneTextConfig, finetuneTextSchema } from './finetune-text-config.ts'
import { showProgress } from './progress-line.ts'
import { addConfigFlags, type RunFlags } from './shared-flags.ts'
import { interruptible, openStudy } from './study-folder.ts'
import { type Parts, splitBySubject, trialsSeen } from './subject-parts.ts'

export function describe(command: Command): void {
  command.description(
    'Teach a Llama model to say what EEG is about: a projection of EEG tokens into its embeddings, then also a LoRA adapter. Writes projection_epochN.pth and lora_epochN/.',
  )
  addConfigFlags(command, finetuneTextSchema.shape, { out: 'runs/finetune-text', taker: 'finetune-text' })
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch finetune-text --data imagery.store --encoder CSBrain.pth --language TinyLlama-1.1B-Chat-v1.0/ --nf4
  $ eegtorch finetune-text text.yaml --validation-subjects S17 S18 S19 --test-subjects S20 S21 S22 --json
  $ eegtorch generate --pipeline text --data imagery.store --encoder CSBrain.pth --projection runs/finetune-text/projection_epoch10.pth --language TinyLlama-1.1B-Chat-v1.0/ --adapter runs/finetune-text/lora_epoch10`,
    )
    .action(run)
}

async function run(file: string | undefined, { out, json = false, ...flags }: RunFlags): Promise<void> {
  const written = await readCommandConfig(finetuneTextSchema, flags, file, 'finetune-text')
  const { windows, header } = openStore(written.data)
  const config = completeConfig(written, windows.classNames)
  const { encoder, language, projection, adapter } = config
  requirePreparedFor(windows, ...[projection, adapter].filter((path) => path !== undefined))
  await using _study = await openStudy(
    out,
    { ...config, threads: numThreads() },
    { data: { identity: storeIdentity(header) }, encoder, language, projection, adapter },
  )
  const parts = await splitBySubject(windows, config)
  const result = await interruptible(out, (signal) => learn({ config, out, json, signal, parts }))
  await writeFileAtomically(join(out, 'results.json'), JSON.stringify(result, undefined, 2))
  console.log(json ? JSON.stringify(result) : formatResult(result, out))
}

/** Labels of the vocabulary, by the names of the windows' classes. */
function labelsOf({ labels, classNames }: EegWindows, { vocabulary }: FinetuneTextConfig): number[] {
  const known = labelsOfClasses(classNames, textVocabularies[vocabulary]!)
  return Array.from(labels, (label) => known[label]!)
}

function loadLanguage(config: FinetuneTextConfig): Promise<LanguageModel> {
  const { language, adapter, nf4, dtype, gradientCheckpointing, loraRank, loraAlpha } = config
  return LanguageModel.load(language, {
    adapter,
    ...(nf4 && { quantize: 'nf4' as const }),
    gradientCheckpointing,
    device: config.device,
    ...(dtype && { dtype }),
    ...(adapter === undefined && { newAdapter: { r: loraRank, loraAlpha } }),
  })
}

async function loadProjection(
  { projection, device }: FinetuneTextConfig,
  language: LanguageModel,
  inDim: number,
): Promise<Model<'eeg_projection'>> {
  const net =
    projection === undefined
      ? models.eegProjection({ inDim, outDim: language.width })
      : ((await models.load(projection, { model: 'eeg_projection' })) as Model<'eeg_projection'>)
  return net.to(device)
}

interface Learning {
  config: FinetuneTextConfig
  out: string
  json: boolean
  signal: AbortSignal
  parts: Parts<EegWindows>
}

interface TextResult {
  epochs: FinetunedEpoch[]
  test?: KeywordAccuracy
}

async function learn({ config, out, json, signal, parts }: Learning): Promise<TextResult> {
  const { autocast, place, maxNewTokens } = config
  const { batchSize, accumulate, weightDecay, clipNorm, seed } = config
  const sets = await encodeParts(parts, config, signal, (tokens, windows) => ({
    tokens,
    labels: labelsOf(windows, config),
  }))
  manualSeed(seed)
  using language = await loadLanguage(config)
  using projection = await loadProjection(config, language, sets.train.tokens.shape[2]!)
  const vocabulary = textVocabularies[config.vocabulary]!
  const told = await finetuneText(projection, language, sets.train, {
    ...{ vocabulary, place, maxNewTokens, batchSize, accumulate, weightDecay, clipNorm, seed, signal },
    ...phasesOf(config),
    ...defined({ autocast, validation: sets.validation }),
    folder: out,
    description: { ...(await trialsSeen(parts)) },
    onEpoch: (epoch) => void (json || showProgress(`${formatEpoch(epoch)} `)),
  })
  const test =
    sets.test && (await scoreText({ projection, language, vocabulary, place }, sets.test, { maxNewTokens, signal }))
  return { epochs: told, ...defined({ test }) }
}

function formatEpoch({ epoch, phase, figures, validation }: FinetunedEpoch): string {
  const read = validation === undefined ? '' : `  validation ${accuracyWords(validation)}`
  return `epoch ${String(epoch).padStart(3)}  ${phase.padEnd(10)}  loss ${figures.trainLoss.toFixed(4)}${read}`
}

function formatResult({ epochs, test }: TextResult, out: string): string {
  const tested = test === undefined ? [] : [`test ${accuracyWords(test)}`]
  return [...epochs.map(formatEpoch), ...tested, `kept in ${out}`].join('\n')
}
