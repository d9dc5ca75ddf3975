import { readFileSync } from 'node:fs'
import { parseSafetensorsHeader, readHeaderLength } from '../checkpoints/safetensors-header.ts'
import { EegTorchError } from '../errors.ts'
import { withFile } from '../files/with-file.ts'
import { native } from '../native.ts'
import { Tensor } from '../tensor.ts'

/**
 * Reads every tensor of a safetensors file into memory; those of parity cases are small.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, `FILE_UNSUPPORTED`
 */
export function readTensors(file: string): Map<string, Tensor> {
  const { buffer, byteOffset, byteLength } = withFile(file, (descriptor) => readFileSync(descriptor))
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  const length = readHeaderLength(bytes.subarray(0, 8), byteLength, file)
  const { tensors } = parseSafetensorsHeader(bytes.subarray(8, 8 + length), byteLength, file)
  const result = new Map<string, Tensor>()
  for (const [name, { dtype, shape, storage, storedType }] of tensors) {
    if (dtype === undefined) {
      throw new EegTorchError('FILE_UNSUPPORTED', `tensor ${name} is of a type that LibTorch lacks`, {
        file,
        received: storedType,
      })
    }
    const start = byteOffset + storage.offset
    result.set(name, new Tensor(native.fromBuffer(buffer, start, storage.bytes, dtype, [...shape], false)))
  }
  return result
}
