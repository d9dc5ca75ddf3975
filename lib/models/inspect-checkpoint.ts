import {
  type Checkpoint,
  type CheckpointFormat,
  type CheckpointMetadata,
  checkpointTitle,
} from '../checkpoints/checkpoint.ts'
import { countElements } from '../checkpoints/stored-tensor.ts'
import { fitModels, type ModelFit } from './fit.ts'

/** A checkpoint at a glance. */
export interface CheckpointSummary {
  path: string
  name: string
  format: CheckpointFormat
  tensors: { name: string; dtype: string; shape: number[]; bytes: number }[]
  /** Numbers in all tensors together. */
  elements: number
  bytes: number
  metadata: CheckpointMetadata
  /** Registered models, best first; those that share at least half of their names with the file. */
  fits: ModelFit[]
}

/** Lists a checkpoint's tensors and says which registered model they fit, and what is missing or extra. */
export function inspectCheckpoint(checkpoint: Checkpoint): CheckpointSummary {
  const stored = [...checkpoint.tensors.tensors]
  const tensors = stored.map(([name, { dtype, storedType, shape, bytes }]) => ({
    name,
    dtype: dtype ?? storedType,
    shape: [...shape],
    bytes,
  }))
  return {
    path: checkpoint.path,
    name: checkpointTitle(checkpoint),
    format: checkpoint.format,
    tensors,
    elements: tensors.reduce((sum, { shape }) => sum + countElements(shape), 0),
    bytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    metadata: checkpoint.metadata,
    fits: fitModels(checkpoint).filter(({ missing, extra }) => missing.length + extra.length <= tensors.length / 2),
  }
}

const FORMATS: Record<CheckpointFormat, string> = {
  safetensors: 'safetensors',
  torch: 'torch.save (zip)',
  'torch-legacy': 'torch.save before PyTorch 1.6',
  folder: 'folder with config.json',
}

/** The summary as text, as `eegtorch inspect` prints it. */
export function formatCheckpoint(summary: CheckpointSummary): string {
  const { name, format, tensors, elements, bytes, metadata, fits } = summary
  const width = tensors.reduce((widest, tensor) => Math.max(widest, printable(tensor.name).length), 4)
  const lines = tensors.map(
    (t) => `  ${printable(t.name).padEnd(width)}  ${t.dtype.padEnd(8)}  [${t.shape.join(', ')}]`,
  )
  const told = Object.entries({ ...metadata, ...metadata.saved }).filter(([, value]) => typeof value !== 'object')
  return [
    `${name}: ${FORMATS[format]}, ${tensors.length} tensors, ${elements.toLocaleString('en')} numbers, ${formatBytes(bytes)}`,
    ...(told.length > 0 ? [told.map(([key, value]) => printable(`${key} ${value}`)).join(' · ')] : []),
    ...lines,
    ...formatFits(fits),
  ].join('\n')
}

function formatFits(fits: readonly ModelFit[]): string[] {
  if (fits.length === 0) return ['fits no registered model']
  const exact = fits.filter((fit) => fit.exact)
  if (exact.length > 0) return exact.map(({ model }) => `fits ${model}: every name and shape`)
  const { model, missing, extra, reshaped } = fits[0]!
  const part = (what: string, names: string[]) =>
    names.length === 0
      ? []
      : [`  ${what} ${names.slice(0, 5).map(printable).join(', ')}${names.length > 5 ? ', …' : ''}`]
  return [
    `closest to ${model}:`,
    ...part('missing', missing),
    ...part('extra', extra),
    ...part('other shape', reshaped),
  ]
}

/** Text of a file for a terminal: no colours, cursor moves or line ends of its own, and not endless. */
function printable(text: string): string {
  const plain = text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain
}

function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  const [scale, unit] = bytes < 1e6 ? [1e3, 'kB'] : bytes < 1e9 ? [1e6, 'MB'] : [1e9, 'GB']
  return `${(bytes / scale).toFixed(1)} ${unit}`
}
