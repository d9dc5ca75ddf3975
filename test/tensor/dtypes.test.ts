import { type DType, fromTypedArray, ones, ops, type TypedArray, tensor } from 'eegtorch'

const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i)

/** Extremes of each dtype in its own typed array, and what `toArray` makes of them. */
const CASES: [dtype: DType, data: TypedArray, numbers: unknown[]][] = [
  ['float32', new Float32Array([0.1, -0, 3e38, 1e-45]), [Math.fround(0.1), -0, Math.fround(3e38), Math.fround(1e-45)]],
  ['float64', new Float64Array([0.1, 5e-324, 1e308]), [0.1, 5e-324, 1e308]],
  ['int8', new Int8Array([-128, 127]), [-128, 127]],
  ['uint8', new Uint8Array([0, 255]), [0, 255]],
  ['int16', new Int16Array([-32_768, 32_767]), [-32_768, 32_767]],
  ['uint16', new Uint16Array([0, 65_535]), [0, 65_535]],
  ['int32', new Int32Array([-(2 ** 31), 2 ** 31 - 1]), [-(2 ** 31), 2 ** 31 - 1]],
  ['uint32', new Uint32Array([0, 2 ** 32 - 1]), [0, 2 ** 32 - 1]],
  ['int64', new BigInt64Array([-(2n ** 63n), 2n ** 53n - 1n, 7n]), [-(2n ** 63n), 2 ** 53 - 1, 7]],
  ['uint64', new BigUint64Array([2n ** 64n - 1n, 7n]), [2n ** 64n - 1n, 7]],
]

test.each(CASES)(
  '%s: a typed array comes back, copied and shared, and its numbers one by one',
  (dtype, data, numbers) => {
    for (const x of [tensor(data), fromTypedArray(data)]) {
      expect([x.dtype, x.shape]).toEqual([dtype, [data.length]])
      const back = x.toTypedArray() as TypedArray
      expect([back.constructor.name, [...back]]).toEqual([data.constructor.name, [...data]])
      expect(x.toArray()).toEqual(numbers)
      expect([...x].map((element) => element.item())).toEqual(numbers)
    }
  },
)

test('nested numbers reach a wide dtype without loss', () => {
  expect(tensor([0.1, 2 ** 53 - 1], { dtype: 'float64' }).toArray()).toEqual([0.1, 2 ** 53 - 1])
  expect(tensor([2 ** 24 + 1, -3], { dtype: 'int64' }).toArray()).toEqual([2 ** 24 + 1, -3])
  expect(tensor([2 ** 24 + 1], { dtype: 'int32' }).item()).toBe(2 ** 24 + 1)
  expect(tensor([{ re: 0.1, im: -0.2 }], { dtype: 'complex128' }).toArray()).toEqual([{ re: 0.1, im: -0.2 }])
  expect(tensor([2n ** 64n - 1n, 1], { dtype: 'uint64' }).toArray()).toEqual([2n ** 64n - 1n, 1])
  expect(tensor([1n, 0.5]).toArray()).toEqual([1, 0.5])
})

test.each([[[2n ** 63n]], [[-(2n ** 63n) - 1n]]])('%j does not fit into 64 bits, and is refused', (data) => {
  expect(() => tensor(data)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', received: String(data[0]) }))
})

test('a negative bigint is no uint64, and text is no part of a complex number', () => {
  expect(() => tensor([-1n], { dtype: 'uint64' })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => tensor([{ re: '1', im: 0 }] as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('booleans are bytes in a typed array', () => {
  const x = fromTypedArray(new Uint8Array([1, 0, 1]), { dtype: 'bool' })
  expect([x.dtype, x.toArray(), [...x.toTypedArray()]]).toEqual(['bool', [true, false, true], [1, 0, 1]])
  expect([...tensor([true, false]).toTypedArray()]).toEqual([1, 0])
})

test.each([
  ['complex64', Float32Array],
  ['complex128', Float64Array],
] as const)('%s numbers are pairs in a typed array', (dtype, Floats) => {
  const data = new Floats([1, -2, 0.5, 4])
  const x = fromTypedArray(data, { dtype, shape: [2] })
  const numbers = [
    { re: 1, im: -2 },
    { re: 0.5, im: 4 },
  ]
  expect([x.dtype, x.toArray(), [...x].map((element) => element.item())]).toEqual([dtype, numbers, numbers])
  expect([...(x.toTypedArray() as Float32Array)]).toEqual([...data])
  expect([...(x.conj().toTypedArray() as Float32Array)]).toEqual([1, 2, 0.5, -4])
  expect(tensor(numbers, { dtype }).equal(x)).toBe(true)
})

/** The number that a bit pattern of a binary float stands for, by IEEE 754's rules. */
function decode(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = bits >> (exponentBits + mantissaBits) ? -1 : 1
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1)
  const fraction = (bits & (2 ** mantissaBits - 1)) / 2 ** mantissaBits
  const bias = 2 ** (exponentBits - 1) - 1
  if (exponent === 2 ** exponentBits - 1) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent ? (1 + fraction) * 2 ** (exponent - bias) : fraction * 2 ** (1 - bias))
}

test.each([
  ['float16', halves, 5, 10],
  ['bfloat16', halves, 8, 7],
  ['float8_e5m2', bytes, 5, 2],
] as const)('%s: every bit pattern has its number, and comes back', (dtype, patterns, exponentBits, mantissaBits) => {
  const x = fromTypedArray(patterns, { dtype })
  const wide = x.to('float32').toTypedArray()
  const expected = Float32Array.from(patterns, (bits) => decode(bits, exponentBits, mantissaBits))
  expect(wide.every((value, i) => Object.is(value, expected[i]))).toBe(true)
  expect(x.at([1, 2]).toArray()).toEqual([expected[1], expected[2]])
  const back = tensor(wide).to(dtype).toTypedArray()
  const isSame = (bits: number, i: number) => bits === patterns[i] || Number.isNaN(wide[i])
  expect([...back].every(isSame)).toBe(true)
})

test.each(['float8_e4m3fn', 'float8_e4m3fnuz', 'float8_e5m2fnuz'] as const)('%s: bit patterns come back', (dtype) => {
  const x = fromTypedArray(bytes, { dtype })
  const wide = x.to('float32').toTypedArray()
  const back = tensor(wide).to(dtype).toTypedArray()
  expect([...back].every((bits, i) => bits === i || Number.isNaN(wide[i]))).toBe(true)
  expect(x.at([0, 1]).toArray()).toEqual([0, wide[1]])
})

test.each([
  ['qint8', 0],
  ['quint8', 128],
  ['qint32', 0],
] as const)('%s: numbers are stored as multiples of a scale', (dtype, zeroPoint) => {
  const x = ops.aten.quantize_per_tensor(tensor([-1, 0, 2.5]), 0.5, zeroPoint, dtype)
  expect([x.dtype, x.int_repr().to('int32').sub(zeroPoint).toArray(), x.dequantize().toArray()]).toEqual([
    dtype,
    [-2, 0, 5],
    [-1, 0, 2.5],
  ])
  expect(() => ones([2], { dtype })).toThrow(expect.objectContaining({ code: 'LIBTORCH' }))
})
