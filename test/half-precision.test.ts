import { fromHalf } from '../lib/half-precision.ts'

// The references are NumPy's: np.array([bits], np.uint16).view(np.float16).

test('sixteen bits are a number, a sign of zero, an infinity or no number', () => {
  const known = [
    [0x3c00, 1],
    [0xbc00, -1],
    [0xc500, -5],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0xfbff, -65504],
    [0x0400, 2 ** -14],
    [0x03ff, 1023 * 2 ** -24],
    [0x8001, -(2 ** -24)],
    [0x0000, 0],
    [0x8000, -0],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
    [0xfe01, NaN],
  ] as const
  for (const [bits, value] of known) expect(fromHalf(bits)).toBe(value)
})
