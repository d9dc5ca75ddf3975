import { Command } from 'commander'
import { decodingFlags } from '../../lib/cli/decoding-flags.ts'
import { generateSchema } from '../../lib/cli/generate-config.ts'
import { decodingOf, decodingSchema } from '../../lib/language/decoding.ts'

const names = decodingSchema.keyof().options

test('every option of decoding is a flag, a line of YAML and an option of programs, told once', () => {
  const command = new Command()
  for (const flag of decodingFlags()) command.addOption(flag)
  const words = ['--max-new-tokens', '7', '--sample', '--temperature', '0.5', '--top-k', '3', '--top-p', '0.9']
  command.parse([...words, '--repetition-penalty', '1.2'], { from: 'user' })
  const told = { maxNewTokens: 7, sample: true, temperature: 0.5, topK: 3, topP: 0.9, repetitionPenalty: 1.2 }
  expect(command.opts()).toEqual(told)
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
