import { Command } from 'commander'
import { z } from 'zod'
import { alignSchema } from '../../lib/cli/align.ts'
import { denoiseSchema } from '../../lib/cli/denoise.ts'
import { finetuneImageSchema } from '../../lib/cli/finetune-image-config.ts'
import { finetuneTextSchema } from '../../lib/cli/finetune-text-config.ts'
import { generateSchema } from '../../lib/cli/generate-config.ts'
import { prepareSchema } from '../../lib/cli/prepare-config.ts'
import { schemaFlags } from '../../lib/cli/schema-flags.ts'
import { scoreSchema } from '../../lib/cli/score.ts'
import { trainSchema } from '../../lib/cli/train-config.ts'
import { trainDiffusionSchema } from '../../lib/cli/train-diffusion-config.ts'
import { decodingOf, decodingSchema } from '../../lib/language/decoding.ts'

function parsed(shape: z.ZodRawShape, words: string[]): Record<string, unknown> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined })
  for (const flag of schemaFlags(shape)) command.addOption(flag)
  return command.parse(words, { from: 'user' }).opts()
}

const helpOf = (shape: z.ZodRawShape) =>
  schemaFlags(shape)
    .filter(({ hidden }) => !hidden)
    .map(({ flags, description }) => `${flags}: ${description}`)

test('a flag has the words, default and choices of its option, and no default of its own', () => {
  const shape = {
    batchSize: z.number().int().default(16).describe('<n> windows in a batch'),
    window: z.tuple([z.number(), z.number()]).default([0, 0.8]).describe('<from..to> seconds'),
    place: z.enum(['here', 'there']).default('here').describe('<where> it stands'),
    names: z.array(z.enum(['a', 'b'])).optional(),
    nf4: z.boolean().default(false).describe('in four bits'),
    warm: z.boolean().default(true).describe('cold from the first step on'),
    mapper: z.record(z.string(), z.unknown()).default({}),
  }
  expect(helpOf(shape)).toEqual([
    '--batch-size <n>: windows in a batch (default: 16)',
    '--window <from..to>: seconds (default: 0..0.8)',
    '--place <where>: it stands (default: here)',
    '--names <name...>: ',
    '--nf4: in four bits',
    '--no-warm: cold from the first step on',
  ])
  const words = ['--batch-size', '4', '--window', '1..2', '--place', 'there', '--names', 'a', 'b', '--nf4', '--no-warm']
  const said = { batchSize: 4, window: [1, 2], place: 'there', names: ['a', 'b'], nf4: true, warm: false }
  expect(parsed(shape, words)).toEqual(said)
  expect(parsed(shape, [])).toEqual({})
  expect(parsed(shape, ['--warm'])).toEqual({ warm: true })
  expect(() => parsed(shape, ['--place', 'nowhere'])).toThrow(/Allowed choices are here, there/)
})

test('of several forms the first that words can say is a flag, and what has named parts is none', () => {
  const schedule = z.union([z.enum(['flat', 'step']), z.strictObject({ name: z.literal('step'), every: z.number() })])
  const shape = {
    data: z.union([z.array(z.string()), z.string()]),
    seeds: z.union([z.number(), z.array(z.number())]).default(1),
    schedule: z.preprocess((said) => said, schedule).default('flat'),
    changes: z.array(z.union([z.string().transform((name) => ({ name })), z.looseObject({ name: z.string() })])),
    baselines: z.union([z.boolean(), z.array(z.string())]).default(true),
    band: z.tuple([z.number(), z.number()]).nullable().default([4, 38]),
    groups: z.array(z.strictObject({ lr: z.number() })).optional(),
    protocol: z.discriminatedUnion('name', [z.strictObject({ name: z.literal('all') })]).optional(),
  }
  expect(helpOf(shape)).toEqual([
    '--data <name...>: ',
    '--seeds <number>: (default: 1)',
    '--schedule <name>: (default: flat)',
    '--changes <name...>: ',
    '--no-baselines: ',
    '--band <name>: (default: 4..38)',
  ])
  const words = ['--data', 'a', '--seeds', '2', '--schedule', 'step', '--changes', 'b', 'c', '--no-baselines', '--band']
  const said = { data: ['a'], seeds: 2, schedule: 'step', changes: ['b', 'c'], baselines: false }
  expect(parsed(shape, [...words, 'none'])).toEqual({ ...said, band: 'none' })
  expect(parsed(shape, [...words, '1..2'])).toEqual({ ...said, band: [1, 2] })
})

const SAID_IN_YAML: Record<string, string[]> = {
  train: ['regime', 'read', 'protocol', 'groups'],
  prepare: ['read'],
}

test.each([
  ['align', alignSchema],
  ['denoise', denoiseSchema],
  ['finetune-image', finetuneImageSchema],
  ['finetune-text', finetuneTextSchema],
  ['generate', generateSchema],
  ['train-diffusion', trainDiffusionSchema],
  ['train', trainSchema],
  ['prepare', prepareSchema],
  ['score', scoreSchema],
])('every option of %s that words can say is a flag with a description', (command, { shape }: z.ZodObject) => {
  const lines = helpOf(shape)
  expect(lines.filter((line) => !/: ./.test(line))).toEqual([])
  const beyondWords = [
    ...Object.keys(shape).filter((name) => name.endsWith('Options')),
    ...(SAID_IN_YAML[command] ?? []),
  ]
  expect(lines).toHaveLength(Object.keys(shape).length - beyondWords.length)
})

test('every option of decoding is a flag, a line of YAML and an option of programs, told once', () => {
  const words = ['--max-new-tokens', '7', '--sample', '--temperature', '0.5', '--top-k', '3', '--top-p', '0.9']
  const told = { maxNewTokens: 7, sample: true, temperature: 0.5, topK: 3, topP: 0.9, repetitionPenalty: 1.2 }
  expect(parsed(decodingSchema.shape, [...words, '--repetition-penalty', '1.2'])).toEqual(told)
  const names = decodingSchema.keyof().options
  expect(Object.keys(told).toSorted()).toEqual([...names].toSorted())
  for (const name of names) expect(generateSchema.shape[name]).toBe(decodingSchema.shape[name])
  expect(decodingOf({ ...told, device: 'cpu' } as never)).toEqual(told)
})

test.each([
  ['temperature', 0],
  ['topK', -1],
  ['topP', 1.5],
  ['repetitionPenalty', 0],
  ['maxNewTokens', 0.5],
])('%s of %d is refused', (name, value) => {
  const issues = decodingSchema.safeParse({ [name]: value }).error!.issues
  expect(issues.map(({ path }) => path)).toEqual([[name]])
})
