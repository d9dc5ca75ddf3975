import { z } from 'zod'
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../checkpoints/safetensors.ts'
import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'

/** What a decomposition consists of; tensors float64, p channels, n components. */
export interface IcaContent {
  /** Volts, (p). */
  mean: Tensor
  /** Standard deviation of all channels together in volts, (1). */
  scale: Tensor
  /** Principal components, orthonormal rows; (p, p). */
  principal: Tensor
  /** Their variances in units of the scale squared, (p). */
  variances: Tensor
  /** From the first n principal amplitudes, scaled, to sources; (n, n). */
  unmixing: Tensor
  channels: readonly string[] | undefined
  method: 'fastica' | 'infomax' | 'picard'
  iterations: number
  converged: boolean
}

const about = z.strictObject({
  version: z.literal(1),
  method: z.enum(['fastica', 'infomax', 'picard']),
  channels: z.array(z.string()).nullable(),
  iterations: z.number().int().min(0),
  converged: z.boolean(),
})

const METADATA_KEY = 'eegtorch_ica'
const TENSORS = ['mean', 'scale', 'principal', 'variances', 'unmixing'] as const

/** Writes a decomposition as one safetensors file. @throws EegTorchError `FILE_WRITE_FAILED` */
export async function writeIca(path: string, content: IcaContent): Promise<void> {
  const { method, channels = null, iterations, converged } = content
  const description: z.infer<typeof about> = {
    version: 1,
    method,
    channels: channels && [...channels],
    iterations,
    converged,
  }
  const tensors = Object.fromEntries(TENSORS.map((name) => [name, content[name]]))
  await writeSafetensors(path, tensors, { format: 'pt', [METADATA_KEY]: JSON.stringify(description) })
}

/** Reads what {@link writeIca} wrote. @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID` */
export async function readIca(path: string): Promise<IcaContent> {
  const file = readSafetensors(path)
  const { channels, ...description } = readDescription(file)
  checkShapes(file, channels)
  const tensors = await file.loadAll({ names: TENSORS, copy: true })
  for (const [name, values] of tensors) {
    if (values.isfinite().all().item() !== true) throw invalid(path, 'finite numbers', `${name} with NaN or infinity`)
  }
  const content = Object.fromEntries(tensors) as Record<(typeof TENSORS)[number], Tensor>
  return { ...content, ...description, channels: channels ?? undefined }
}

function readDescription(file: SafetensorsFile): Omit<z.infer<typeof about>, 'version'> {
  const text = file.metadata.get(METADATA_KEY)
  if (text === undefined) throw invalid(file.path, `a file that Ica.save wrote`, 'one without its description')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'the description of the decomposition is not JSON', {
      file: file.path,
      cause,
    })
  }
  const parsed = about.safeParse(value)
  if (!parsed.success) throw invalid(file.path, 'the description that Ica.save writes', parsed.error.issues[0]!.message)
  const { version: _, ...description } = parsed.data
  return description
}

function checkShapes({ path, tensors }: SafetensorsFile, channels: readonly string[] | null): void {
  const p = tensors.get('mean')?.shape[0] ?? 0
  const n = tensors.get('unmixing')?.shape[0] ?? 0
  const expected = { mean: [p], scale: [1], principal: [p, p], variances: [p], unmixing: [n, n] }
  for (const name of TENSORS) {
    const { shape, dtype } = tensors.get(name) ?? { shape: [], dtype: 'nothing' }
    const fits = dtype === 'float64' && shape.join() === expected[name].join()
    if (!fits)
      throw invalid(path, `${name} of float64, (${expected[name].join(', ')})`, `${dtype}, (${shape.join(', ')})`)
  }
  if (n < 1 || n > p) throw invalid(path, 'at most as many components as channels', `${n} of ${p} channels`)
  if (channels !== null && channels.length !== p) throw invalid(path, `${p} channel names`, `${channels.length}`)
}

function invalid(file: string, expected: string, received: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', 'the file holds no decomposition', { file, expected, received })
}
