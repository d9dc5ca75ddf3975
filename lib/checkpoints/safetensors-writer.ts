import { EegTorchError } from '../errors.ts'
import { SAFETENSORS_DTYPES } from './dtypes.ts'
import { MAX_HEADER_BYTES } from './safetensors-header.ts'

/** What the header says of a tensor that is to be written. */
export interface TensorDescription {
  readonly dtype: string
  readonly shape: readonly number[]
  /** Elements times their width. */
  readonly bytes: number
}

const RANKS: ReadonlyMap<string, number> = new Map(SAFETENSORS_DTYPES.map(({ dtype }, rank) => [dtype ?? '', rank]))

/**
 * The start of a safetensors file, byte for byte as the reference implementation writes it: the length of the header, the
 * header as compact JSON, spaces up to a multiple of 8.
 *
 * @returns the bytes, and the names in the order in which their data must follow: wide types first, then by name
 * @throws EegTorchError `DTYPE_MISMATCH` for a type that the format has no name for, `INVALID_OPTION` for names it cannot hold
 */
export function buildSafetensorsHeader(
  tensors: ReadonlyMap<string, TensorDescription>,
  metadata: Readonly<Record<string, string>>,
  file: string,
): { prefix: Uint8Array; order: string[] } {
  const order = [...tensors.keys()].sort((a, b) => compare(a, b, tensors, file))
  const header = new Map<string, unknown>()
  if (Object.keys(metadata).length > 0) header.set('__metadata__', checkMetadata(metadata, file))
  let end = 0
  for (const name of order) {
    const { dtype, shape, bytes } = tensors.get(name)!
    checkName(name, header, file)
    const type = SAFETENSORS_DTYPES[rankOf(name, dtype, file)]!
    const stored = type.name === 'F4' ? [...shape.slice(0, -1), (shape.at(-1) ?? 1) * 2] : shape
    header.set(name, { dtype: type.name, shape: stored, data_offsets: [end, end + bytes] })
    end += bytes
  }
  return { prefix: frame(stringify(header), file), order }
}

function compare(a: string, b: string, tensors: ReadonlyMap<string, TensorDescription>, file: string): number {
  const ranks = rankOf(b, tensors.get(b)!.dtype, file) - rankOf(a, tensors.get(a)!.dtype, file)
  // by bytes of UTF-8, which is not the order of JavaScript's UTF-16 for characters beyond 16 bits
  return ranks || Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function rankOf(name: string, dtype: string, file: string): number {
  const rank = RANKS.get(dtype)
  if (rank !== undefined) return rank
  throw new EegTorchError('DTYPE_MISMATCH', `safetensors files cannot hold tensor ${JSON.stringify(name)}`, {
    file,
    expected: [...RANKS.keys()].filter(Boolean).join(', '),
    received: dtype,
  })
}

function checkName(name: string, header: ReadonlyMap<string, unknown>, file: string): void {
  if (header.has(name) || name === '__metadata__' || /\p{Surrogate}/u.test(name)) {
    throw new EegTorchError('INVALID_OPTION', `a tensor cannot be named ${JSON.stringify(name)}`, { file })
  }
}

function checkMetadata(metadata: Readonly<Record<string, string>>, file: string): Map<string, string> {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === 'string' && !/\p{Surrogate}/u.test(key + value)) continue
    throw new EegTorchError('INVALID_OPTION', `metadata ${JSON.stringify(key)} is not well-formed text`, { file })
  }
  return new Map(Object.entries(metadata))
}

/** JSON in the order of the map; an object would put names like "0" first and lose `__proto__`. */
function stringify(members: ReadonlyMap<string, unknown>): string {
  const text = [...members].map(
    ([key, value]) => `${JSON.stringify(key)}:${value instanceof Map ? stringify(value) : JSON.stringify(value)}`,
  )
  return `{${text.join(',')}}`
}

function frame(json: string, file: string): Uint8Array {
  const length = Math.ceil(Buffer.byteLength(json) / 8) * 8
  if (length > MAX_HEADER_BYTES) {
    throw new EegTorchError('INVALID_OPTION', 'names and metadata are too long for a safetensors file', {
      file,
      expected: `at most ${MAX_HEADER_BYTES} bytes`,
      received: String(length),
    })
  }
  const prefix = Buffer.alloc(8 + length, ' ')
  prefix.writeBigUInt64LE(BigInt(length))
  prefix.write(json, 8)
  return prefix
}
