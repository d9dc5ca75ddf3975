import {
  type Checkpoint,
  type CheckpointFormat,
  type CheckpointMetadata,
  checkpointTitle,
} from '../checkpoints/checkpoint.ts'
import { countElements } from '../checkpoints/stored-tensor.ts'
import { formatBytes } from '../files/format-bytes.ts'
import { describeMisfit, fitModels, hasEveryName, type ModelFit, printable } from './model-fit.ts'

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
  /** Keys of the state dicts in the file, the listed one first; none where the file itself is one. */
  keys: string[]
  /** A network that is known by its names but not registered here. */
  elsewhere?: string
  /** Registered models, best first; those that share at least half of their names with the file. */
  fits: ModelFit[]
}

/** Networks that users have files of, by a tensor that no other has. */
const ELSEWHERE: readonly (readonly [network: string, tensor: string])[] = [['LaBraM', 'blocks.0.gamma_1']]

/**
 * Lists a checkpoint's tensors and says which registered model they fit, and what is missing or extra.
 *
 * @param config options of the network that the checkpoint does not tell
 */
export function inspectCheckpoint(
  checkpoint: Checkpoint,
  config: Readonly<Record<string, unknown>> = {},
): CheckpointSummary {
  const stored = [...checkpoint.tensors.tensors]
  const elsewhere = ELSEWHERE.find(([, name]) => stored.some(([key]) => key.endsWith(name)))?.[0]
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
    keys: [...checkpoint.keys],
    ...(elsewhere !== undefined && { elsewhere }),
    fits: fitModels(checkpoint, config).filter(({ missing, extra, reshaped }) => {
      const misnamed = missing.length + extra.length
      // A common name such as `weight`, of another shape, is no likeness.
      const isAlike = misnamed === 0 || reshaped.length < tensors.length - extra.length
      return isAlike && misnamed <= tensors.length / 2
    }),
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
  const { name, format, tensors, elements, bytes, metadata, keys, elsewhere, fits } = summary
  const width = tensors.reduce((widest, tensor) => Math.max(widest, printable(tensor.name).length), 4)
  const lines = tensors.map(
    (t) => `  ${printable(t.name).padEnd(width)}  ${t.dtype.padEnd(8)}  [${t.shape.join(', ')}]`,
  )
  const told = Object.entries({ ...metadata, ...metadata.saved }).filter(([, value]) => typeof value !== 'object')
  return [
    `${name}: ${FORMATS[format]}, ${tensors.length} tensors, ${elements.toLocaleString('en')} numbers, ${formatBytes(bytes)}`,
    ...(told.length > 0 ? [told.map(([key, value]) => printable(`${key} ${value}`)).join(' · ')] : []),
    ...formatKeys(keys),
    ...lines,
    ...formatFits(fits, elsewhere),
  ].join('\n')
}

function formatKeys([shown, ...others]: readonly string[]): string[] {
  if (shown === undefined) return []
  const rest = others.length === 0 ? '' : `; also there: ${others.slice(0, 8).map(printable).join(', ')}`
  return [`state dict under ${printable(shown)}${rest}`]
}

function formatFits(fits: readonly ModelFit[], elsewhere: string | undefined): string[] {
  const exact = fits.filter((fit) => fit.exact)
  if (exact.length > 0) {
    const other = (renamed: number) => (renamed === 0 ? '' : `, ${renamed} under another name`)
    return exact.map(({ model, renamed }) => `fits ${model}: every name and shape${other(renamed)}`)
  }
  if (elsewhere !== undefined) return [`these are tensors of ${elsewhere}, which is not registered here`]
  const closest = fits[0]
  if (closest === undefined) return ['fits no registered model']
  const isNamed = hasEveryName(closest)
  const verdict = isNamed
    ? `named as ${closest.model}, in other sizes (its options: --config)`
    : `closest to ${closest.model}`
  const misfits = describeMisfit(closest).split('; ')
  return [`${verdict}:`, ...misfits.map((part) => `  ${part}`)]
}
