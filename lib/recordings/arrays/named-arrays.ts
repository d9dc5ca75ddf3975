import { getterOf, SAMPLE_BYTES, type SampleType } from '../binary/sample-types.ts'
import { withBlocks } from '../hdf5/client.ts'
import type { MatStored } from '../matlab/values.ts'

/** An array of numbers in a file: where its bytes are, and how far it is from one number to the next along each axis. */
export interface NumberArray {
  readonly dims: readonly number[]
  /** Bytes, by axis. */
  readonly strides: readonly number[]
  readonly type: SampleType
  readonly littleEndian: boolean
  /** In memory, from a byte of the file on, or inside an HDF5 file. */
  readonly at: { readonly bytes: Uint8Array } | { readonly position: number } | { readonly stored: MatStored }
}

function readVector({ file, path, dims }: MatStored): Float64Array {
  const zeros = dims.map(() => 0)
  return withBlocks(file, (read) => Float64Array.from(read(path, zeros, dims), Number))
}

/** Arrays of numbers and lists of texts by name, as a file has them. */
export interface NamedArrays {
  readonly file: string
  /** Format that the recording is said to have. */
  readonly format: string
  /** Number of the first sample, where `event_sample` counts them: 1 in MATLAB. */
  readonly firstSample: 0 | 1
  readonly numbers: ReadonlyMap<string, NumberArray>
  readonly texts: ReadonlyMap<string, readonly string[]>
  /** What was left out, one sentence each. */
  readonly warnings?: readonly string[]
}

/** Strides of an array without holes, first or last axis fastest. */
export function stridesOf(dims: readonly number[], type: SampleType, firstFastest: boolean): number[] {
  const order = firstFastest ? dims : [...dims].reverse()
  let stride = SAMPLE_BYTES[type]
  const strides = order.map((dim) => {
    const own = stride
    stride *= dim
    return own
  })
  return firstFastest ? strides : strides.reverse()
}

/** Numbers of a small array, last axis fastest; undefined for one that stays in the file and is no vector. */
export function flatNumbers({ dims, strides, type, littleEndian, at }: NumberArray): Float64Array | undefined {
  if ('stored' in at) return dims.filter((dim) => dim > 1).length > 1 ? undefined : readVector(at.stored)
  if (!('bytes' in at)) return undefined
  const view = new DataView(at.bytes.buffer, at.bytes.byteOffset, at.bytes.byteLength)
  const get = getterOf(type, littleEndian)
  const out = new Float64Array(dims.reduce((product, dim) => product * dim, 1))
  for (let i = 0; i < out.length; i++) {
    let [rest, byte] = [i, 0]
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      byte += (rest % dims[axis]!) * strides[axis]!
      rest = Math.floor(rest / dims[axis]!)
    }
    out[i] = get(view, byte)
  }
  return out
}
