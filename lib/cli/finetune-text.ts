import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { EegWindows } from '../datasets/windows.ts'
import { defined } from '../defined.ts'
import { EegEncoder } from '../encoders/eeg-encoder.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { channelsOf } from '../generation/window-channels.ts'
import { PREFIX_PLACES } from '../language/decoding.ts'
import { type FinetunedEpoch, finetuneText, type LabelledTokens, scoreText } from '../language/finetune-text.ts'
import type { KeywordAccuracy } from '../language/keywords.ts'
import { LanguageModel } from '../language/language-model.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { labelsOfClasses } from '../language/vocabulary-labels.ts'
import type { Model } from '../models/model.ts'
import { models } from '../models/models.ts'
import { manualSeed, numThreads } from '../runtime.ts'
import { openStore } from '../store/open-store.ts'
import { accuracyWords } from './accuracy-words.ts'
import { readCommandConfig } from './command-config.ts'
import { decodingFlags } from './decoding-flags.ts'
import { completeConfig, type FinetuneTextConfig, finetuneTextSchema } from './finetune-text-config.ts'
import { showProgress } from './progress-line.ts'
import { addStudyFlags, autocastFlag, deviceFlag, montageFlag, presetFlag, type RunFlags } from './shared-flags.ts'
import { interruptible, openStudy } from './study-folder.ts'
import { type Parts, splitBySubject, trialsSeen } from './subject-parts.ts'

export function describe(command: Command): void {
  command
    .description(
      'Teach a Llama model to say what EEG is about: a projection of EEG tokens into its embeddings, then also a LoRA adapter. Writes projection_epochN.pth and lora_epochN/.',
    )
    .argument('[config]', 'YAML file with these options in camelCase; flags win over it')
    .option('--data <store>', 'windows that eegtorch prepare wrote, labelled by the classes of the vocabulary')
    .option('--encoder <file>', 'weights of CSBrain; they stay as they are')
    .addOption(montageFlag())
    .option('--language <folder>', 'Llama in transformers’ layout')
    .option('--nf4', 'hold the language model in four bits')
    .option('--projection <file>', 'a projection to start from (default: a new one)')
    .option('--adapter <folder>', 'a LoRA adapter in peft’s layout to start from (default: a new one)')
    .option('--lora-rank <r>', 'of a new adapter (default: 8)', Number)
    .option('--lora-alpha <number>', 'of a new adapter (default: 16)', Number)
    .addOption(
      new Option('--vocabulary <name>', 'sentences and keywords (default: the one that knows the classes)').choices(
        Object.keys(textVocabularies),
      ),
    )
    .addOption(
      new Option('--place <where>', 'where the EEG stands (default: before-prompt)').choices([...PREFIX_PLACES]),
    )
    .addOption(decodingFlags(['maxNewTokens'])[0]!)
    .option('--train-subjects <names...>', 'default: all that are in no other part')
    .option('--validation-subjects <names...>', 'read after each epoch')
    .option('--test-subjects <names...>', 'read once, at the end')
    .option('--epochs <n>', 'in all (default: the document’s, 10 for visual-imagery and 20 for motor-imagery)', Number)
    .option(
      '--warmup-epochs <n>',
      'of these with the projection alone (default: 3 for visual-imagery, 5 for motor-imagery)',
      Number,
    )
    .option('--batch-size <n>', 'trials that make a step (default: 32)', Number)
    .option('--accumulate <n>', 'parts that a batch is cut into (default: 8, or as many as it has trials)', Number)
    .option('--lr <rate>', 'with the adapter (default: 2e-4)', Number)
    .option('--warmup-lr <rate>', 'of the projection alone (default: 5e-4)', Number)
    .option('--weight-decay <number>', 'of AdamW (default: 0.01)', Number)
    .option('--clip-norm <norm>', 'largest norm of the gradients (default: 1)', Number)
    .option('--gradient-checkpointing', 'compute layers twice in place of keeping what is inside them')
    .addOption(deviceFlag())
    .addOption(
      new Option('--dtype <type>', 'of the language model (default: float32)').choices([
        ...finetuneTextSchema.shape.dtype.unwrap().options,
      ]),
    )
    .addOption(autocastFlag())
    .addOption(presetFlag('finetune-text'))
  addStudyFlags(command, { seedOf: 'weights, sentences, order and dropout', out: 'runs/finetune-text' })
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch finetune-text --data imagery.store --encoder CSBrain.pth --language TinyLlama-1.1B-Chat-v1.0/ --nf4
  $ eegtorch finetune-text text.yaml --validation-subjects S17 S18 S19 --test-subjects S20 S21 S22 --json
  $ eegtorch generate --pipeline text --eeg imagery.store --encoder CSBrain.pth --projection runs/finetune-text/projection_epoch10.pth --language TinyLlama-1.1B-Chat-v1.0/ --adapter runs/finetune-text/lora_epoch10`,
    )
    .action(run)
}

async function run(file: string | undefined, { out, json = false, ...flags }: RunFlags): Promise<void> {
  const written = await readCommandConfig(finetuneTextSchema, flags, file, 'finetune-text')
  const { windows } = openStore(written.data)
  const config = completeConfig(written, windows.classNames)
  const { encoder, language, projection, adapter } = config
  await using _study = await openStudy(
    out,
    { ...config, threads: numThreads() },
    { encoder, language, projection, adapter },
  )
  const parts = await splitBySubject(windows, config)
  const result = await interruptible(out, (signal) => learn({ config, out, json, signal, parts }))
  await writeFileAtomically(join(out, 'results.json'), JSON.stringify(result, undefined, 2))
  console.log(json ? JSON.stringify(result) : formatResult(result, out))
}

/** The encoder is loaded, used once for every trial and freed before the language model comes. */
async function encodeParts(
  { train, validation, test }: Parts<EegWindows>,
  config: FinetuneTextConfig,
  signal: AbortSignal,
): Promise<Parts<LabelledTokens>> {
  const device = config.device
  using encoder = await EegEncoder.load(config.encoder, { ...channelsOf(train, config), device })
  const encode = async (windows: EegWindows): Promise<LabelledTokens> => ({
    tokens: await encoder.readAll(windows, { file: config.data, signal }),
    labels: labelsOf(windows, config),
  })
  return {
    train: await encode(train),
    validation: validation && (await encode(validation)),
    test: test && (await encode(test)),
  }
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
  const { epochs, warmupEpochs, lr, warmupLr, autocast, place, maxNewTokens } = config
  const { batchSize, accumulate, weightDecay, clipNorm, seed } = config
  const sets = await encodeParts(parts, config, signal)
  manualSeed(seed)
  using language = await loadLanguage(config)
  using projection = await loadProjection(config, language, sets.train.tokens.shape[2]!)
  const vocabulary = textVocabularies[config.vocabulary]!
  const told = await finetuneText(projection, language, sets.train, {
    ...{ vocabulary, place, maxNewTokens, batchSize, accumulate, weightDecay, clipNorm, seed, signal },
    projectionPhase: { epochs: warmupEpochs, lr: warmupLr },
    jointPhase: { epochs: epochs - warmupEpochs, lr },
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
