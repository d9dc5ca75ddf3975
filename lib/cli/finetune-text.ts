import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { EegWindows } from '../datasets/windows.ts'
import type { Device } from '../dtype.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { EegEncoder } from '../generation/eeg-encoder.ts'
import { type FinetunedEpoch, finetuneText, type LabelledTokens, scoreText } from '../language/finetune-text.ts'
import type { KeywordAccuracy } from '../language/keywords.ts'
import { LanguageModel } from '../language/language-model.ts'
import { textVocabularies } from '../language/vocabularies.ts'
import { labelsOfClasses } from '../language/vocabulary-labels.ts'
import type { Model } from '../models/model.ts'
import { models } from '../models/models.ts'
import { manualSeed, numThreads, setNumThreads } from '../runtime.ts'
import { openStore } from '../store/open-store.ts'
import { accuracyWords } from './accuracy-words.ts'
import { type FinetuneTextConfig, readFinetuneConfig } from './finetune-text-config.ts'
import { interruptible, openStudy, showProgress } from './study-folder.ts'
import { encodeWindows, type Parts, splitBySubject } from './subject-parts.ts'

interface Flags extends Record<string, unknown> {
  config?: string
  out: string
  json?: boolean
}

export function describe(command: Command): void {
  command
    .description(
      'Teach a Llama model to say what EEG is about: a projection of EEG tokens into its embeddings, then also a LoRA adapter. Writes projection_epochN.pth and lora_epochN/.',
    )
    .option('--data <store>', 'windows that eegtorch prepare wrote, labelled by the classes of the vocabulary')
    .option('--language <folder>', 'a Llama model in the layout of transformers')
    .option('--encoder <file>', 'weights of CSBrain; they stay as they are')
    .option('--projection <file>', 'a projection to start from (default: a new one)')
    .option('--adapter <folder>', 'a LoRA adapter to start from (default: a new one)')
    .addOption(
      new Option('--vocabulary <name>', 'sentences and keywords (default: visual-imagery)').choices(
        Object.keys(textVocabularies),
      ),
    )
    .addOption(
      new Option('--place <where>', 'where the EEG stands (default: before-prompt)').choices([
        'before-prompt',
        'after-prompt',
      ]),
    )
    .option('--train-subjects <names...>', 'default: all that are in no other part')
    .option('--validation-subjects <names...>', 'read after each epoch')
    .option('--test-subjects <names...>', 'read once, at the end')
    .addOption(new Option('--quantize <how>', 'hold the language model in four bits').choices(['nf4']))
    .option('--device <name>', 'cpu or cuda (default: cpu)')
    .addOption(new Option('--dtype <type>', 'of the weights').choices(['float32', 'float16', 'bfloat16']))
    .addOption(new Option('--autocast <type>', 'compute in a 16-bit type').choices(['bfloat16', 'float16']))
    .option('--gradient-checkpointing', 'compute layers twice in place of keeping what is inside them')
    .option('--epochs <n>', 'in all (default: 20; the document has 10 for visual imagery)', Number)
    .option('--warmup-epochs <n>', 'of these with the projection alone (default: 5; 3 for visual imagery)', Number)
    .option('--batch-size <n>', 'trials at a time (default: 4)', Number)
    .option('--gradient-accumulation-steps <n>', 'such batches make a step (default: 8)', Number)
    .option('--lr <rate>', 'with the adapter (default: 2e-4)', Number)
    .option('--warmup-lr <rate>', 'of the projection alone (default: 5e-4)', Number)
    .option('--weight-decay <number>', 'default: 0.01', Number)
    .option('--lora-rank <r>', 'of a new adapter (default: 8)', Number)
    .option('--lora-alpha <number>', 'of a new adapter (default: 16)', Number)
    .option('--max-new-tokens <n>', 'of a text that is read (default: 24)', Number)
    .option('--seed <n>', 'of weights, sentences, order and dropout (default: 0)', Number)
    .option('--threads <n>', 'CPU threads', Number)
    .option('--config <file>', 'YAML file with these options in camelCase; flags win over it')
    .option('--out <folder>', 'folder of the run; one that was stopped goes on', 'runs/finetune-text')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch finetune-text --data imagery.store --language TinyLlama-1.1B-Chat-v1.0/ --encoder CSBrain.pth --quantize nf4 --epochs 10 --warmup-epochs 3
  $ eegtorch finetune-text --config text.yaml --validation-subjects S17 S18 S19 --test-subjects S20 S21 S22 --json`,
    )
    .action(run)
}

async function run({ config: file, out, json = false, ...flags }: Flags): Promise<void> {
  const config = await readFinetuneConfig(flags, file)
  if (config.threads !== undefined) await setNumThreads(config.threads)
  await openStudy(out, { ...config, threads: numThreads() })
  manualSeed(config.seed)
  const parts = splitBySubject(openStore(config.data).windows, config)
  const tokens = await encodeParts(parts, config)
  using language = await loadLanguage(config)
  using projection = await loadProjection(config, language, tokens.train.tokens.shape[2]!)
  const result = await interruptible(out, (signal) =>
    learn({ config, out, json, signal, tokens, language, projection }),
  )
  await writeFileAtomically(join(out, 'results.json'), JSON.stringify(result, undefined, 2))
  console.log(json ? JSON.stringify(result) : formatResult(result, out))
}

/** The encoder is loaded, used once for every trial and freed before the language model comes. */
async function encodeParts(parts: Parts<EegWindows>, config: FinetuneTextConfig): Promise<Parts<LabelledTokens>> {
  const device = config.device as Device
  using encoder = await EegEncoder.load(config.encoder, { device, channels: parts.train.channelNames })
  const encode = async (windows: EegWindows): Promise<LabelledTokens> => ({
    tokens: await encodeWindows(encoder, windows, config.data),
    labels: labelsOf(windows, config),
  })
  const { train, validation, test } = parts
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
  const { language, adapter, quantize, dtype, gradientCheckpointing, loraRank, loraAlpha } = config
  return LanguageModel.load(language, {
    adapter,
    quantize,
    gradientCheckpointing,
    device: config.device as Device,
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
  return net.to(device as Device)
}

interface Learning {
  config: FinetuneTextConfig
  out: string
  json: boolean
  signal: AbortSignal
  tokens: Parts<LabelledTokens>
  language: LanguageModel
  projection: Model<'eeg_projection'>
}

interface TextResult {
  epochs: FinetunedEpoch[]
  test?: KeywordAccuracy
}

async function learn({ config, out, json, signal, tokens, language, projection }: Learning): Promise<TextResult> {
  const { epochs, warmupEpochs, batchSize, gradientAccumulationSteps, lr, warmupLr, autocast, place } = config
  const vocabulary = textVocabularies[config.vocabulary]!
  const told = await finetuneText(projection, language, tokens.train, {
    vocabulary,
    place,
    projectionPhase: { epochs: warmupEpochs, lr: warmupLr },
    jointPhase: { epochs: epochs - warmupEpochs, lr },
    batchSize: batchSize * gradientAccumulationSteps,
    accumulate: gradientAccumulationSteps,
    weightDecay: config.weightDecay,
    maxNewTokens: config.maxNewTokens,
    seed: config.seed,
    folder: out,
    signal,
    ...(autocast && { autocast }),
    ...(tokens.validation && { validation: tokens.validation }),
    onEpoch: ({ epoch, figures }) =>
      json || showProgress(`epoch ${epoch}/${epochs} loss ${figures.trainLoss.toFixed(4)} `),
  })
  if (tokens.test === undefined) return { epochs: told }
  const { maxNewTokens } = config
  return {
    epochs: told,
    test: await scoreText({ projection, language, vocabulary, place }, tokens.test, { maxNewTokens, signal }),
  }
}

function formatResult({ epochs, test }: TextResult, out: string): string {
  const rows = epochs.map(
    ({ epoch, phase, figures, validation }) =>
      `epoch ${String(epoch).padStart(3)}  ${phase.padEnd(10)}  loss ${figures.trainLoss.toFixed(4)}${validation ? `  validation ${accuracyWords(validation)}` : ''}`,
  )
  return [...rows, ...(test ? [`test       ${accuracyWords(test)}`] : []), `kept in   ${out}`].join('\n')
}
