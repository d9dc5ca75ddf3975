import { basename, dirname, join } from 'node:path'
import type { EegWindows } from '../datasets/windows.ts'
import { controlWindows } from '../generation/control-windows.ts'
import { generatePictures, type PictureSource, type PictureWork } from '../generation/generate-pictures.ts'
import { controlFolder, type PictureControl } from '../generation/pictures/controls.ts'
import { GenerationFolder } from '../generation/pictures/generation-folder.ts'
import type { PictureDrawing } from '../generation/sources/drawing.ts'
import { openPictureSource } from '../generation/sources/open-source.ts'
import { SentenceSource, type SentenceWork } from '../generation/sources/sentence-source.ts'
import type { KeywordAccuracy } from '../language/keywords.ts'
import type { GenerateConfig } from './generate-config.ts'
import { drawBytes, showProgress } from './progress-line.ts'

/** What is drawn, and how it is told. */
export interface GenerateRun {
  config: GenerateConfig
  windows: EegWindows | undefined
  work: readonly PictureWork[]
  json: boolean
  signal: AbortSignal
}

/** What came of a run. */
export interface Made {
  made: number
  /** Of the sentences that were read. */
  keywords?: KeywordAccuracy
}

/** Opens a folder of pictures that a configuration makes. */
export function openFolder(path: string, config: GenerateConfig, control?: PictureControl): Promise<GenerationFolder> {
  const settings = { ...settingsOf(config), ...(control && { control }) }
  return GenerationFolder.open(path, { settings, contents: contentsOf(config), drawing: DRAWING })
}

/** Makes what is left to be made. */
export function drawPictures(run: GenerateRun, folder: GenerationFolder): Promise<Made> {
  return draw(run, run.config, folder)
}

/** The same trials without their EEG, in folders of their own inside the folder of the pictures. */
export async function drawControls(
  { windows, ...run }: GenerateRun,
  out: string,
): Promise<Partial<Record<PictureControl, Made>>> {
  const { config, work } = run
  const results: Partial<Record<PictureControl, Made>> = {}
  for (const control of config.controls ?? []) {
    const told: GenerateConfig = control === 'label' ? { ...config, mode: 'label-prompt' } : config
    await using folder = await openFolder(controlFolder(out, control), told, control)
    const options = { count: work.length, seed: config.seed }
    const others = control === 'label' ? windows! : await controlWindows(windows!, control, options)
    results[control] = await draw({ ...run, windows: others }, { ...told, control }, folder)
  }
  return results
}

async function draw(
  { windows, work, json, signal }: GenerateRun,
  config: GenerateConfig & Pick<PictureDrawing, 'control'>,
  folder: GenerationFolder,
): Promise<Made> {
  const progress = (line: string) => json || showProgress(`${config.control ? `${config.control}: ` : ''}${line}`)
  const drawing: PictureDrawing = {
    ...config,
    signal,
    onLoad: ({ file, done, total }) => progress(drawBytes(`load ${nameInFolder(file)}`, done, total)),
  }
  const options = {
    ...{ seed: config.seed, batch: config.batch, signal },
    onProgress: ({ done, total, step, steps }: Record<'done' | 'total' | 'step' | 'steps', number>) =>
      void progress(`picture ${done + 1} of ${total}  step ${step} of ${steps} `),
  }
  if (config.pipeline !== 'text' && config.pipeline !== 'amused') {
    using source = whenNeeded(() => openPictureSource(drawing, work, windows))
    return { made: await generatePictures(source, work, folder, options) }
  }
  const onProgress: NonNullable<SentenceWork['onProgress']> = ({ stage, done, total }) =>
    void progress(
      stage === 'load' ? drawBytes('load the language model', done, total) : `${stage} trial ${done} of ${total} `,
    )
  using source = new SentenceSource(drawing, { windows: windows!, work, folder, onProgress })
  await source.prepare([...work.keys()], signal)
  const made = config.diffusion === undefined ? 0 : await generatePictures(source, work, folder, options)
  return { made, keywords: source.accuracy() }
}

/** Opens what draws when something is left to be drawn: a finished folder needs no networks. */
function whenNeeded(open: () => Promise<PictureSource>): PictureSource {
  let opened: PictureSource | undefined
  return {
    async prepare(indices, signal) {
      opened = await open()
      await opened.prepare(indices, signal)
    },
    draw: (...given) => opened!.draw(...given),
    [Symbol.dispose]: () => opened?.[Symbol.dispose](),
  }
}

/** Files of weights have the same name in the folder of each network. */
const nameInFolder = (file: string) => join(basename(dirname(file)), basename(file))

/** What does not decide how a picture looks: more trials, larger batches or further controls go on in the same folder. */
const FREE = new Set<keyof GenerateConfig>(['n', 'batch', 'threads', 'seed', 'previewEvery', 'controls', 'cudaGraph'])

function settingsOf(config: GenerateConfig): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !FREE.has(name as keyof GenerateConfig)))
}

/** What sentences do not depend on: they may be read first, and drawn later. */
const DRAWING = [
  ...['pipeline', 'diffusion', 'tokenizer', 'scheduler', 'predictionType', 'stimuli', 'steps', 'guidance'],
  ...['negativePrompt', 'lowMemory'],
  ...['controlnet', 'structure', 'structureWeight', 'structureStart', 'structureEnd', 'guessMode', 'height', 'width'],
] as const satisfies (keyof GenerateConfig)[]

/** Networks, tokenizers and structures: a folder does not go on with others under the same names. */
function contentsOf(config: GenerateConfig): Record<string, string | undefined> {
  const { encoder, projection, language, adapter, checkpoint, classifier, controlnet, diffusion, tokenizer } = config
  const { structure } = config
  return { encoder, projection, language, adapter, checkpoint, classifier, controlnet, structure, diffusion, tokenizer }
}
