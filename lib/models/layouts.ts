import { mkdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { type Checkpoint, type CheckpointMetadata, writeCheckpoint } from '../checkpoints/checkpoint.ts'
import { writeSafetensors } from '../checkpoints/safetensors.ts'
import { type TorchValue, writeTorch } from '../checkpoints/torch-writer.ts'
import { EegTorchError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic.ts'
import { packageVersion } from '../setup/paths.ts'
import type { Tensor } from '../tensor.ts'
import { braindecodeConfig, isBraindecodeModel } from './braindecode.ts'
import type { Model } from './model.ts'
import { nativeModels } from './native-models.ts'
import { storedChannels } from './stored-config.ts'

/**
 * How a checkpoint is laid out: eegtorch's file, braindecode's folder, a plain state dict as safetensors or as `torch.save` writes it, or what
 * the trainers of eeg2image save.
 */
export type CheckpointLayout = 'eegtorch' | 'braindecode' | 'safetensors' | 'torch' | 'eeg2image'

/** What is written: tensors by the model's names, or by the file's where no model is known. */
export interface LayoutContent {
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly model: Model | undefined
  readonly source: Checkpoint
  /** The caller's options, for a network that is not registered. */
  readonly config: Readonly<Record<string, unknown>> | undefined
}

type Writer = (path: string, content: LayoutContent) => Promise<void>

const WRITERS: Readonly<Record<CheckpointLayout, Writer>> = {
  eegtorch: writeOurs,
  braindecode: writeBraindecode,
  safetensors: (path, { tensors }) => writeSafetensors(path, tensors),
  torch: (path, { tensors }) => writeTorch(path, tensors),
  eeg2image: writeEeg2Image,
}

/** Layouts that describe their network, so that it must be known. */
const DESCRIBING: readonly CheckpointLayout[] = ['eegtorch', 'braindecode', 'eeg2image']

/** Every layout's name. */
export const CHECKPOINT_LAYOUTS = Object.keys(WRITERS) as readonly CheckpointLayout[]

/** Whether a layout can only hold a network that is known. */
export function describesModel(layout: CheckpointLayout): boolean {
  return DESCRIBING.includes(layout)
}

/**
 * The layout that a file's name asks for: `.safetensors` is eegtorch's, `.pt`, `.pth`, `.bin` and `.ckpt` PyTorch's, a name without an ending
 * braindecode's folder.
 *
 * @throws EegTorchError `INVALID_OPTION` for another ending, or for a layout that there is not
 */
export function layoutFor(target: string, wanted: string | undefined): CheckpointLayout {
  const ending = extname(target).toLowerCase()
  const layout = wanted ?? ENDINGS[ending]
  if (layout !== undefined && Object.hasOwn(WRITERS, layout)) return layout as CheckpointLayout
  throw new EegTorchError(
    'INVALID_OPTION',
    wanted === undefined ? 'the name does not tell which layout to write' : `there is no layout ${wanted}`,
    { option: 'to', expected: CHECKPOINT_LAYOUTS.join(', '), ...(wanted === undefined && { file: target }) },
  )
}

const ENDINGS: Readonly<Record<string, CheckpointLayout>> = {
  '': 'braindecode',
  '.safetensors': 'eegtorch',
  '.pt': 'torch',
  '.pth': 'torch',
  '.bin': 'torch',
  '.ckpt': 'torch',
}

/** Writes one layout to a path of which there is nothing yet. */
export async function writeLayout(layout: CheckpointLayout, path: string, content: LayoutContent): Promise<void> {
  await WRITERS[layout](path, content)
}

async function writeOurs(path: string, { tensors, model, source }: LayoutContent): Promise<void> {
  const channels = storedChannels(source)
  const metadata: CheckpointMetadata = {
    ...(channels && { channels }),
    ...source.metadata,
    model: model!.name,
    config: model!.referenceConfig,
    version: packageVersion(),
  }
  await writeCheckpoint(path, tensors, metadata)
}

async function writeBraindecode(path: string, { tensors, model, source, config }: LayoutContent): Promise<void> {
  if (model !== undefined && !isBraindecodeModel(model.name)) {
    throw new EegTorchError('INVALID_OPTION', `braindecode has no network like ${model.name}`, {
      option: 'to',
      expected: 'eegtorch, safetensors or torch',
    })
  }
  const described = model ? braindecodeConfig(model, source) : { ...source.metadata.config, ...config }
  await mkdir(path)
  await writeSafetensors(join(path, 'model.safetensors'), tensors)
  await writeFileAtomically(join(path, 'config.json'), `${JSON.stringify(described, undefined, 2)}\n`)
}

/** The key of each network in eeg2image's files, and the options that its code has fixed. */
const EEG2IMAGE: Readonly<Record<string, { key: string; fixed: Readonly<Record<string, unknown>> }>> = {
  eeg_clip_mapper: { key: 'mapper', fixed: { classifier_input: 'pooled', activation: 'relu' } },
  eeg_projection: { key: 'projection', fixed: { layer_norm: false } },
}

/** As `mapper_epochN.pth` and `projection_epochN.pth`: the token reducer beside the network has no weights. */
async function writeEeg2Image(path: string, { tensors, model, source }: LayoutContent): Promise<void> {
  const layout = Object.hasOwn(EEG2IMAGE, model!.name) ? EEG2IMAGE[model!.name] : undefined
  if (layout === undefined) {
    throw new EegTorchError('INVALID_OPTION', `eeg2image saves no network like ${model!.name}`, {
      option: 'to',
      expected: `one of ${Object.keys(EEG2IMAGE).join(', ')}`,
    })
  }
  for (const [option, expected] of Object.entries(layout.fixed)) {
    const received = model!.referenceConfig[option]
    if (received === expected) continue
    throw new EegTorchError('INVALID_OPTION', `eeg2image has no ${model!.name} with ${option} ${received}`, {
      option,
      expected: String(expected),
    })
  }
  const theirs = new Map(Object.entries(nativeModels.modelOlderNames(model!.id)).map(([older, ours]) => [ours, older]))
  const state = new Map([...tensors].map(([name, tensor]) => [theirs.get(name) ?? name, tensor]))
  const { epoch = 0, val_acc = 0 } = source.metadata.saved ?? {}
  const file: TorchValue = {
    [layout.key]: state,
    token_reducer: new Map(),
    epoch: typeof epoch === 'number' ? epoch : 0,
    val_acc: typeof val_acc === 'number' ? val_acc : 0,
  }
  await writeTorch(path, file)
}
