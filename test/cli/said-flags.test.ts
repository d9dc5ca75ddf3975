import { Command } from 'commander'
import { prepareSchema } from '../../lib/cli/prepare-config.ts'
import { saidFlags } from '../../lib/cli/said-flags.ts'
import { addFlags } from '../../lib/cli/shared-flags.ts'

const parsed = (words: readonly string[]) =>
  addFlags(new Command(), prepareSchema.shape).exitOverride().parse(words, { from: 'user' }).opts()

test.each([
  '--window -0.5..1.5 --band none --no-standardise --workers 3',
  '--data eegmmidb/ more/*.edf --sample-type int16 --standardise',
  '--band 8..30 --channels C3 Cz',
])('flags are said as they were: %s', (line) => {
  const said = saidFlags(parsed(line.split(' ')))
  // A pattern is the program's to read, not the shell's.
  expect(said).toBe(line.replace('more/*.edf', "'more/*.edf'"))
})

test('what is not given is not said, and a shell reads each word as one', () => {
  expect(saidFlags({ device: 'cuda:1', inner: undefined, out: "it's mine" })).toBe(
    `--device cuda:1 --out 'it'\\''s mine'`,
  )
})
