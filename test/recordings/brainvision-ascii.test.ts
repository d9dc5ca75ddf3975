import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRecording } from 'eegtorch'
import { fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const header = readFileSync(fixturePath('brainvision/ascii.vhdr'), 'utf8')
const text = readFileSync(fixturePath('brainvision/ascii.eeg'), 'utf8')

/** Writes the recording with another header or other samples, and reads it. */
function reread({ vhdr = header, eeg = text }: { vhdr?: string; eeg?: string }) {
  cpSync(fixturePath('brainvision/ascii.vmrk'), join(folder, 'ascii.vmrk'))
  writeFileSync(join(folder, 'ascii.vhdr'), vhdr)
  writeFileSync(join(folder, 'ascii.eeg'), eeg)
  return (options = {}) => readRecording(join(folder, 'ascii.vhdr'), options)
}

test('a line for each channel, named in its first column, holds the same samples', async () => {
  const expected = await readRecording(fixturePath('brainvision/ascii.vhdr'))
  const rows = text.trim().split('\n').slice(1)
  const fields = rows.map((row) => row.replaceAll(',', '.').split(' '))
  const turned = ['F3', 'F4', 'Pz'].map((name, c) => [name, ...fields.map((row) => row[c]!)].join(', '))
  const vhdr = header
    .replace('MULTIPLEXED', 'VECTORIZED')
    .replace('DecimalSymbol=,', 'DecimalSymbol=.')
    .replace('SkipLines=1', 'SkipLines=0')
    .replace('SkipColumns=0', 'SkipColumns=1')
  const recording = await reread({ vhdr, eeg: `${turned.join('\r\n')}\r\n` })()
  expect(recording.read()).toEqual(expected.read())
})

test('a file that ends in the middle of a line is refused, or read up to there with a warning', async () => {
  const open = reread({ eeg: text.slice(0, -4) })
  await expect(open()).rejects.toMatchObject({ code: 'FILE_TRUNCATED', expected: 'a line break at its end' })
  const { nSamples, warnings } = await open({ truncated: 'read' })
  expect([nSamples, warnings]).toEqual([399, ['The file of samples is cut off: 399 complete samples were read.']])
})

test.each([
  ['a word', text.replace('6,912', 'six'), 'line 2 holds what is no number'],
  ['a missing number', text.replace('6,912 ', ''), 'line 2 has another number of samples'],
  ['no samples', 'F3 F4 Pz\n', 'it holds no samples'],
])('%s is refused by line', async (_, eeg, message) => {
  await expect(reread({ eeg })()).rejects.toThrow(message)
})

test('fewer samples than the header promises are a file that is cut off', async () => {
  const eeg = `${text.split('\n').slice(0, 301).join('\n')}\n`
  await expect(reread({ eeg })()).rejects.toMatchObject({ code: 'FILE_TRUNCATED', received: '300' })
})
