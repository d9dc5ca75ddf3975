import { arange, fromTypedArray, full, ones, randn, tensor, zeros } from 'eegtorch'
import { errorOf } from '../thrown.ts'

test.each<[string, () => unknown, string, string | RegExp]>([
  ['no data', () => tensor(undefined as never), 'INVALID_OPTION', /^data has the wrong type: .*received undefined$/],
  ['a hole', () => tensor([1, undefined] as never), 'INVALID_OPTION', /received undefined$/],
  ['text', () => tensor('abc' as never), 'INVALID_OPTION', /received abc$/],
  ['a tensor', () => tensor(ones([2]) as never), 'INVALID_OPTION', /received tensor\(\[1., 1.\]\)$/],
  ['an unknown dtype', () => zeros([2], { dtype: 'float' as never }), 'INVALID_OPTION', /^there is no dtype float: /],
  ['the same of data', () => tensor([1], { dtype: 'int' as never }), 'INVALID_OPTION', /^there is no dtype int: /],
  ['an unknown device', () => randn([2], { device: 'gpu' as never }), 'INVALID_OPTION', /^there is no device gpu: /],
  ['a device that is not there', () => ones([2], { device: 'cuda:99' }), 'DEVICE_MISMATCH|LIBTORCH', /^[^\n]{1,200}$/],
  ['a number as a shape', () => zeros(3 as never), 'SHAPE_MISMATCH', /such as \[2, 3\], received 3$/],
  ['no shape', () => (zeros as () => unknown)(), 'SHAPE_MISMATCH', /received undefined$/],
  ['a negative size', () => full([2, -1], 0), 'SHAPE_MISMATCH', /received \[2,-1\]$/],
  ['a size that is no whole number', () => randn([1.5]), 'SHAPE_MISMATCH', /received \[1.5\]$/],
  ['a step of 0', () => arange(0, 1, 0), 'LIBTORCH', 'step must be nonzero'],
  [
    'bytes that are no booleans',
    () => fromTypedArray(new Uint8Array([0, 2]), { dtype: 'bool' }),
    'INVALID_OPTION',
    'a boolean is the byte 0 or 1: received 2',
  ],
])('%s is one clear sentence', (_, run, code, message) => {
  const error = errorOf(run)
  expect(error.code).toMatch(new RegExp(`^(${code})$`))
  expect(error.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
})
