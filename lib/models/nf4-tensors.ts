import { z } from 'zod'
import { checkDescription, parseJsonObject } from '../checkpoints/json-file.ts'
import { countElements, type StoredTensor } from '../checkpoints/stored-tensor.ts'
import { type TensorRequest, TensorSource, unknownTensor } from '../checkpoints/tensor-file.ts'
import { EegTorchError } from '../errors.ts'

/** Behind the name of a weight: bitsandbytes' description of its four bits, JSON in a tensor of bytes. */
const DESCRIPTION = '.quant_state.bitsandbytes__nf4'
const OFFSET = '.nested_offset'
/** A description has some 200 bytes. */
const MAX_BYTES = 4096
const BLOCK = 64
const NESTED_BLOCK = 256

const schema = z.looseObject({
  quant_type: z.string(),
  blocksize: z.number(),
  dtype: z.enum(['float16', 'bfloat16', 'float32']),
  shape: z
    .array(
      z
        .number()
        .int()
        .positive()
        .max(2 ** 31 - 1),
    )
    .length(2),
  nested_blocksize: z.number().optional(),
  nested_dtype: z.literal('float32').optional(),
  nested_offset: z.number().optional(),
})

/** What is expected of the weights in four bits. */
export interface Nf4Expectation {
  /** Whether the scales are quantised too. */
  doubleQuant: boolean
  /** (out, in) of a weight that should be in four bits; undefined for one that should not. */
  shapeOf: (weight: string) => readonly [number, number] | undefined
}

/**
 * A checkpoint of bitsandbytes as the network `nf4_linear` names its tensors: each weight's description is checked when the tensors are asked for,
 * and the offset of the scales that stands in it becomes a tensor.
 */
export class Nf4Tensors extends TensorSource {
  readonly path: string
  readonly tensors: ReadonlyMap<string, StoredTensor>
  readonly #source: TensorSource
  readonly #expected: Nf4Expectation
  /** Weights with a description. */
  readonly #weights: readonly string[]

  /** @throws EegTorchError `FILE_INVALID` for a description that is none; `FILE_UNSUPPORTED` for weights that are not in four bits */
  constructor(source: TensorSource, expected: Nf4Expectation) {
    super()
    this.path = source.path
    this.#source = source
    this.#expected = expected
    const described = source.names.filter((name) => name.endsWith(DESCRIPTION))
    this.#weights = described.map((name) => name.slice(0, -DESCRIPTION.length))
    for (const name of described) requireBytes(name, source.tensors.get(name)!, source.path)
    requireDescriptions(source, new Set(this.#weights), expected)
    const offsets = expected.doubleQuant ? this.#weights.map((name) => [name + OFFSET, offsetTensor()] as const) : []
    this.tensors = new Map([...[...source.tensors].filter(([name]) => !described.includes(name)), ...offsets])
  }

  get files(): readonly string[] {
    return this.#source.files
  }

  /** @internal */
  async requests(names: readonly string[]): Promise<TensorRequest[]> {
    const own = new Map(this.#weights.map((name) => [name + OFFSET, name + DESCRIPTION]))
    const unknown = names.find((name) => !this.tensors.has(name))
    if (unknown !== undefined) throw unknownTensor(unknown, this.path)
    const plain = await this.#source.requests(names.filter((name) => !own.has(name)))
    const wanted = names.filter((name) => own.has(name))
    const offsets = await this.#offsets()
    const holders = await this.#source.requests(wanted.map((name) => own.get(name)!))
    return [
      ...plain,
      ...holders.map(({ names: described, path, size }) => ({
        names: described.map((name) => name.slice(0, -DESCRIPTION.length) + OFFSET),
        ...{ path, size },
        ranges: described.map((name) => new Uint8Array(Float32Array.of(offsets.get(name) ?? 0).buffer)),
        views: described.map((_, i): TensorRequest['views'][number] => [i, 'float32', [], null, 0]),
      })),
    ]
  }

  /** Offsets of the scales by the names of the descriptions, all of which are checked. */
  async #offsets(): Promise<Map<string, number>> {
    const names = this.#weights.map((name) => name + DESCRIPTION)
    const files = await this.#source.requests(names)
    const fileOf = new Map(files.flatMap(({ names: its, path }) => its.map((name) => [name, path] as const)))
    const read = await this.#source.loadAll({ names, copy: true })
    try {
      return new Map(
        [...read].map(([name, bytes]) => {
          const weight = name.slice(0, -DESCRIPTION.length)
          return [name, this.#check(weight, bytes.toTypedArray() as Uint8Array, fileOf.get(name)!)]
        }),
      )
    } finally {
      for (const tensor of read.values()) tensor.dispose()
    }
  }

  /** The offset, 0 where scales are not quantised. */
  #check(weight: string, bytes: Uint8Array, file: string): number {
    const what = `the description of ${weight.slice(0, 200)}`
    const told = checkDescription(schema, parseJsonObject(Buffer.from(bytes).toString('utf8'), file, what), what, file)
    const { quant_type, blocksize, shape, nested_blocksize, nested_offset } = told
    const nested = nested_offset !== undefined
    const refuse = (expected: string, received: unknown, code: 'FILE_UNSUPPORTED' | 'CHECKPOINT_MISMATCH') =>
      new EegTorchError(code, `${what} is of another quantisation`, {
        file,
        expected,
        received: JSON.stringify(received),
      })
    if (quant_type !== 'nf4' || blocksize !== BLOCK || (nested && nested_blocksize !== NESTED_BLOCK)) {
      const expected = `nf4 in blocks of ${BLOCK}, their scales in blocks of ${NESTED_BLOCK}`
      throw refuse(expected, { quant_type, blocksize, nested_blocksize }, 'FILE_UNSUPPORTED')
    }
    if (nested !== this.#expected.doubleQuant)
      throw refuse(this.#expected.doubleQuant ? 'a nested_offset' : 'none', { nested_offset }, 'CHECKPOINT_MISMATCH')
    const wanted = this.#expected.shapeOf(weight)
    if (wanted?.join() !== shape.join())
      throw refuse(`shape ${JSON.stringify(wanted)}`, { shape }, 'CHECKPOINT_MISMATCH')
    return nested_offset ?? 0
  }
}

function requireBytes(name: string, { dtype, shape, bytes }: StoredTensor, file: string): void {
  if (dtype === 'uint8' && bytes <= MAX_BYTES) return
  throw new EegTorchError('FILE_INVALID', `${name.slice(0, 200)} is no description`, {
    file,
    expected: `at most ${MAX_BYTES} bytes`,
    received: `${countElements(shape)} elements of ${dtype ?? 'another type'}`,
  })
}

/** A weight without a description would be taken for a dense one, or for one of the usual blocks. */
function requireDescriptions(source: TensorSource, described: ReadonlySet<string>, { shapeOf }: Nf4Expectation): void {
  const bare = source.names.find((name) => shapeOf(name) !== undefined && !described.has(name))
  if (bare === undefined) return
  throw new EegTorchError('FILE_UNSUPPORTED', 'the config says that the weights are in four bits', {
    file: source.path,
    expected: `a description of each, such as ${bare}${DESCRIPTION}`,
    received: `${bare} (${source.tensors.get(bare)!.storedType}) without one`,
  })
}

function offsetTensor(): StoredTensor {
  return {
    dtype: 'float32',
    storedType: 'F32',
    shape: [],
    storageOffset: 0,
    storage: { offset: 0, bytes: 4 },
    bytes: 4,
  }
}
