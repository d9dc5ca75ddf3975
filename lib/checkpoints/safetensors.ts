import { fstatSync } from 'node:fs'
import { atOnce, type Pieces } from '../files/in-pieces.ts'
import { readAt } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'
import { nativeFunctions, type TensorId } from '../native.ts'
import type { Tensor } from '../tensor.ts'
import { DTYPE_BYTES } from './dtypes.ts'
import { readHeaderLength, type SafetensorsHeader, safetensorsHeader } from './safetensors-header.ts'
import { buildSafetensorsHeader, type TensorDescription } from './safetensors-writer.ts'
import { TensorFile } from './tensor-file.ts'

const native = nativeFunctions<{ writeTensorFile(path: string, prefix: Uint8Array, ids: TensorId[]): Promise<void> }>()

/** A safetensors file: its tensors, and the text that its writer put beside them. */
export class SafetensorsFile extends TensorFile {
  readonly metadata: ReadonlyMap<string, string>

  constructor(path: string, size: number, header: SafetensorsHeader) {
    super(path, size, header.tensors)
    this.metadata = header.metadata
  }
}

/**
 * Reads the header of a safetensors file and checks all of it; no tensor is read.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, `FILE_UNSUPPORTED`
 */
export function readSafetensors(path: string): SafetensorsFile {
  return atOnce(safetensorsFile(path))
}

/** {@link readSafetensors} as work that stops now and then. */
export function* safetensorsFile(path: string): Pieces<SafetensorsFile> {
  const { size, header } = withFile(path, (descriptor) => {
    const { size } = fstatSync(descriptor)
    const length = readHeaderLength(readAt(descriptor, 0, Math.min(8, size), 'its start', path), size, path)
    return { size, header: readAt(descriptor, 8, length, 'its header', path) }
  })
  return new SafetensorsFile(path, size, yield* safetensorsHeader(header, size, path))
}

/**
 * Writes tensors as the reference implementation does, byte for byte; a file that another program reads is never half
 * written. Tensors on a GPU are copied, views made contiguous; tensors that share memory are each written in full.
 *
 * @param metadata text to store beside the tensors; `{ format: 'pt' }` (the default) is what Python's readers look for
 * @throws EegTorchError `FILE_WRITE_FAILED`; `DTYPE_MISMATCH` for dtypes that the format lacks (complex128, quantised ones)
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<void> {
  const byName = new Map(tensors instanceof Map ? tensors : Object.entries(tensors))
  const described = new Map([...byName].map(([name, tensor]) => [name, describe(tensor)]))
  const { prefix, order } = buildSafetensorsHeader(described, metadata, path)
  await native.writeTensorFile(
    path,
    prefix,
    order.map((name) => byName.get(name)!.id),
  )
}

function describe(tensor: Tensor): TensorDescription {
  const { dtype, shape } = tensor
  return { dtype, shape, bytes: tensor.length * (DTYPE_BYTES.get(dtype) ?? 0) }
}
