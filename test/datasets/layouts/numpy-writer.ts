/** A numpy array as Python pickles it. */
export interface PickledArray {
  shape: readonly number[]
  values: Float64Array | readonly string[]
}

export type Pickled = number | string | PickledArray | readonly Pickled[] | { [key: string]: Pickled }

/** A plain array of numbers, `<f8` or `<i8`, as `numpy.save` writes it. */
export function writeNpy(shape: readonly number[], values: ArrayLike<number>, descr: '<f8' | '<i8' = '<f8'): Buffer {
  const body = Buffer.alloc(8 * values.length)
  for (let i = 0; i < values.length; i++) {
    if (descr === '<f8') body.writeDoubleLE(values[i]!, 8 * i)
    else body.writeBigInt64LE(BigInt(values[i]!), 8 * i)
  }
  return Buffer.concat([header(descr, shape), body])
}

/** `numpy.save` of a dictionary: an array of one object, pickled. */
export function writeObjectNpy(content: { [key: string]: Pickled }): Buffer {
  const object = array([], global('numpy', 'dtype'), 'O8', '|', list([pickled(content)]))
  return Buffer.concat([header('|O', []), Buffer.from([0x80, 4]), object, Buffer.from('.')])
}

/** `pickle.dump`, protocol 4. */
export function writePickle(content: Pickled): Buffer {
  return Buffer.concat([Buffer.from([0x80, 4]), pickled(content), Buffer.from('.')])
}

function header(descr: string, shape: readonly number[]): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`
  const start = Buffer.from('\x93NUMPY\x01\0\0\0', 'latin1')
  start.writeUInt16LE(padded.length, 8)
  return Buffer.concat([start, Buffer.from(padded)])
}

function pickled(value: Pickled): Buffer {
  if (typeof value === 'number') return float(value)
  if (typeof value === 'string') return unicode(value)
  if (Array.isArray(value)) return list(value.map((item) => pickled(item as Pickled)))
  if ('shape' in value && 'values' in value) return numbers(value as PickledArray)
  const items = Object.entries(value as object).map(([key, item]) => Buffer.concat([unicode(key), pickled(item)]))
  return Buffer.concat([Buffer.from('}('), ...items, Buffer.from('u')])
}

function numbers({ shape, values }: PickledArray): Buffer {
  const body = Float64Array.from(values as Float64Array)
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const length = Buffer.alloc(5)
  length[0] = 0x42
  length.writeUInt32LE(bytes.length, 1)
  return array(shape, global('numpy', 'dtype'), 'f8', '<', Buffer.concat([length, bytes]))
}

/** `_reconstruct(ndarray, (0,), b'b')` with the state (1, shape, dtype, False, data). */
function array(shape: readonly number[], dtype: Buffer, kind: string, order: string, data: Buffer): Buffer {
  const none = Buffer.from('N')
  const made = Buffer.concat([
    global('numpy.core.multiarray', '_reconstruct'),
    tuple([global('numpy', 'ndarray'), tuple([integer(0)]), Buffer.from('C\x01b')]),
    Buffer.from('R'),
  ])
  const type = Buffer.concat([
    dtype,
    tuple([unicode(kind), Buffer.from([0x89]), Buffer.from([0x88])]),
    Buffer.from('R'),
    tuple([integer(3), unicode(order), none, none, none, integer(-1), integer(-1), integer(0)]),
    Buffer.from('b'),
  ])
  const state = tuple([integer(1), tuple(shape.map(integer)), type, Buffer.from([0x89]), data])
  return Buffer.concat([made, state, Buffer.from('b')])
}

const tuple = (items: readonly Buffer[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')])
const list = (items: readonly Buffer[]) => Buffer.concat([Buffer.from(']('), ...items, Buffer.from('e')])
const global = (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`)

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes[0] = 0x4a
  bytes.writeInt32LE(value, 1)
  return bytes
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = 0x47
  bytes.writeDoubleBE(value, 1)
  return bytes
}

function unicode(text: string): Buffer {
  const body = Buffer.from(text)
  const bytes = Buffer.alloc(5)
  bytes[0] = 0x58
  bytes.writeUInt32LE(body.length, 1)
  return Buffer.concat([bytes, body])
}
