import { z } from 'zod'
import { readOptions } from '../lib/read-options.ts'
import { errorOf } from './thrown.ts'

const schema = z.object({
  size: z.number().int().min(1).optional(),
  band: z.union([z.literal('alpha'), z.tuple([z.number(), z.number()])]).optional(),
  place: z.union([z.string(), z.number()], 'expected a folder or a number').optional(),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([from, to]) => from < to, 'must go from less to more')
    .optional(),
})
const refused = (options: object) => errorOf(() => readOptions(schema, options))

test('a refusal names the option, what was expected and what was received', () => {
  expect(readOptions(schema, { size: 2 })).toEqual({ size: 2 })
  expect(refused({ size: 0 })).toMatchObject({ option: 'size', expected: 'number to be >=1', received: '0' })
  expect(refused({ size: 'two' }).message).toBe('option size: expected number, received two')
  expect(refused({ band: 'beta' }).message).toBe('option band: expected "alpha", or tuple, received beta')
  expect(refused({ place: {} }).message).toBe('option place: expected a folder or a number, received {}')
  expect(refused({ range: [1, Number.NaN] })).toMatchObject({ option: 'range.1', received: 'NaN' })
  expect(refused({ range: [2, 1] }).message).toBe('option range: must go from less to more: received [ 2, 1 ]')
  expect(refused({ colour: 2 }).message).toBe(
    'option colour: there is no such option: expected one of size, band, place, range',
  )
  expect(refused({ SI_ZE: 2 }).message).toBe('option SI_ZE: there is no such option. Did you mean size?')
  expect(refused({ sise: 2 }).message).toMatch(/Did you mean size/)
})

test('a schema that allows others keeps them', () => {
  const loose = z.looseObject({ size: z.number() })
  expect(readOptions(loose, { size: 1, sise: 2 })).toEqual({ size: 1, sise: 2 })
})

test('an option is named as it was written', () => {
  const written = (path: string) => ({ option: `--${path}`, file: 'a.yaml' })
  expect(errorOf(() => readOptions(schema, { size: 0 }, written))).toMatchObject({ option: '--size', file: 'a.yaml' })
})
