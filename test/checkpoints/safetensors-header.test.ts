import { parseSafetensorsHeader, readHeaderLength } from '../../lib/checkpoints/safetensors-header.ts'
import { buildSafetensorsHeader } from '../../lib/checkpoints/safetensors-writer.ts'
import { readFixture } from './fixtures.ts'

function parse(file: Uint8Array) {
  const length = readHeaderLength(file.subarray(0, 8), file.length, 'a.safetensors')
  return parseSafetensorsHeader(file.subarray(8, 8 + length), file.length, 'a.safetensors')
}

/** A file with this header and so many bytes of data. */
function fileOf(header: string | object, dataBytes = 0): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const file = Buffer.alloc(8 + json.length + dataBytes)
  file.writeBigUInt64LE(BigInt(json.length))
  json.copy(file, 8)
  return file
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
})

test('reads every element type as LibTorch names it', () => {
  const { tensors } = parse(readFixture('every-dtype.safetensors'))
  expect(tensors.size).toBe(20)
  for (const [name, tensor] of tensors) {
    expect(`of.${tensor.dtype}`).toBe(name)
    expect(tensor.bytes).toBe(48)
  }
  expect(tensors.get('of.complex64')).toMatchObject({ storedType: 'C64', shape: [6] })
  expect(tensors.get('of.float4_e2m1fn_x2')).toMatchObject({ storedType: 'F4', shape: [48] })
})

test('reads names and metadata as they are', () => {
  const { tensors, metadata } = parse(readFixture('odd-names.safetensors'))
  expect([...tensors.keys()].sort()).toEqual(
    ['b', 'a', 'é', '\u{1f600}', '\uffee', 'q"\\\n\x01\x7f/', '__proto__', 'half'].sort(),
  )
  expect(tensors.get('a')!.shape).toEqual([])
  expect(tensors.get('q"\\\n\x01\x7f/')).toMatchObject({ shape: [0, 3], bytes: 0 })
  expect([...metadata]).toEqual([['note', 'é"\n']])
})

test.each(['every-dtype', 'odd-names', 'empty', 'linear'])(
  '%s: the header is written as the reference implementation writes it',
  (stem) => {
    const file = readFixture(`${stem}.safetensors`)
    const { tensors, metadata } = parse(file)
    const described = [...tensors].map(
      ([name, { dtype, shape, bytes }]) => [name, { dtype: dtype!, shape, bytes }] as const,
    )
    const { prefix, order } = buildSafetensorsHeader(new Map(described.reverse()), Object.fromEntries(metadata), 'a')
    expect(Buffer.from(prefix).toString()).toBe(Buffer.from(file.subarray(0, prefix.length)).toString())
    expect(order).toEqual([...tensors.keys()])
  },
)

test.each<[string, Uint8Array, string, RegExp]>([
  ['an empty file', new Uint8Array(), 'FILE_TRUNCATED', /expected at least 8 bytes, received 0/],
  ['seven bytes', new Uint8Array(7), 'FILE_TRUNCATED', /received 7/],
  [
    'a header that claims a terabyte',
    Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0x7b, 0x7d]),
    'FILE_INVALID',
    /1099511627776/,
  ],
  ['a negative header length', Buffer.alloc(16, 0xff), 'FILE_INVALID', /claims to be too long/],
  ['a header longer than the file', Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]), 'FILE_TRUNCATED', /inside/],
  [
    'another format',
    Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('PK..')]),
    'FILE_INVALID',
    /"{"/,
  ],
  ['a list', fileOf('[]'), 'FILE_INVALID', /does not start with/],
  ['no UTF-8', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff]), 'FILE_INVALID', /UTF-8/],
  [
    'the same name twice',
    fileOf(`{"a":${JSON.stringify(f32(0, 4))},"a":${JSON.stringify(f32(4, 8))}}`, 8),
    'FILE_INVALID',
    /twice/,
  ],
  ['overlapping ranges', fileOf({ a: f32(0, 8), b: f32(4, 12) }, 12), 'FILE_INVALID', /"b" overlap/],
  ['two tensors on the same bytes', fileOf({ a: f32(0, 8), b: f32(0, 8) }, 8), 'FILE_INVALID', /overlap/],
  ['a hole', fileOf({ a: f32(0, 8), b: f32(12, 16) }, 16), 'FILE_INVALID', /a hole before the bytes of tensor "b"/],
  ['a hole at the start', fileOf({ a: f32(4, 8) }, 8), 'FILE_INVALID', /a hole/],
  ['bytes left over', fileOf({ a: f32(0, 8) }, 9), 'FILE_INVALID', /bytes follow the last tensor/],
  ['data cut off', fileOf({ a: f32(0, 8) }, 7), 'FILE_TRUNCATED', /ends before its last tensor/],
  ['a negative range', fileOf({ a: f32(-8, 0) }, 8), 'FILE_INVALID', /received -8/],
  ['an end before its begin', fileOf({ a: f32(8, 0, []) }, 8), 'FILE_INVALID', /a begin and an end/],
  ['three offsets', fileOf({ a: { ...f32(0, 4), data_offsets: [0, 4, 8] } }, 4), 'FILE_INVALID', /a begin and an end/],
  ['a fraction', fileOf('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4), 'FILE_INVALID', /received 1.0/],
  [
    'beyond 2^53',
    fileOf('{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}', 4),
    'FILE_INVALID',
    /9007199254740993/,
  ],
  ['an overflowing shape', fileOf({ a: { ...f32(0, 0), shape: [2 ** 32, 2 ** 32] } }), 'FILE_INVALID', /too large/],
  [
    'an overflow behind a zero',
    fileOf({ a: { ...f32(0, 0), shape: [0, 2 ** 40, 2 ** 40] } }),
    'FILE_INVALID',
    /too large/,
  ],
  [
    'a shape that does not fit',
    fileOf({ a: { ...f32(0, 8), shape: [3] } }, 8),
    'FILE_INVALID',
    /expected 12 for F32 \(3\), received 8/,
  ],
  [
    'a thousand dimensions',
    fileOf({ a: { ...f32(0, 4), shape: Array(1000).fill(1) } }, 4),
    'FILE_INVALID',
    /1000 dimensions/,
  ],
  ['an unknown type', fileOf({ a: { ...f32(0, 4), dtype: 'F33' } }, 4), 'FILE_UNSUPPORTED', /received "F33"/],
  ['half a byte', fileOf({ a: { dtype: 'F4', shape: [3], data_offsets: [0, 2] } }, 2), 'FILE_INVALID', /whole byte/],
  ['a type that is no text', fileOf({ a: { ...f32(0, 4), dtype: 3 } }, 4), 'FILE_INVALID', /no dtype/],
  ['a shape that is no list', fileOf({ a: { ...f32(0, 4), shape: {} } }, 4), 'FILE_INVALID', /no list shape/],
  ['a tensor that is no object', fileOf({ a: 3 }), 'FILE_INVALID', /not described by an object/],
  ['metadata that is no object', fileOf({ __metadata__: 'x' }), 'FILE_INVALID', /__metadata__ is not an object/],
  ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }), 'FILE_INVALID', /"a" in __metadata__/],
  ['an endless name', fileOf({ ['n'.repeat(5000)]: f32(0, 4) }, 4), 'FILE_INVALID', /too long/],
])('%s is refused', (_what, file, code, message) => {
  expect(() => parse(file)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
})

test.each<[string, string, { dtype: string; shape: number[]; bytes: number }, Record<string, string>, string]>([
  ['a type without a name', 'a', { dtype: 'complex128', shape: [1], bytes: 16 }, {}, 'DTYPE_MISMATCH'],
  ['half a surrogate pair', '\ud83d', { dtype: 'float32', shape: [1], bytes: 4 }, {}, 'INVALID_OPTION'],
  ['the name of the metadata', '__metadata__', { dtype: 'float32', shape: [1], bytes: 4 }, {}, 'INVALID_OPTION'],
  [
    'metadata that no text can hold',
    'a',
    { dtype: 'float32', shape: [1], bytes: 4 },
    { x: '\ud83d' },
    'INVALID_OPTION',
  ],
])('%s cannot be written', (_what, name, description, metadata, code) => {
  const build = () => buildSafetensorsHeader(new Map([[name, description]]), metadata, 'a.safetensors')
  expect(build).toThrow(expect.objectContaining({ code }))
})
