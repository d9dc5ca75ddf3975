import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readAll, readRecording } from 'eegtorch'
import { fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

const source = dirname(fixturePath('wfdb/f16.hea'))
const folder = temporaryFolder()

beforeEach(() => {
  for (const name of readdirSync(source)) {
    if (/^(fixed|variable)/.test(name)) copyFileSync(join(source, name), join(folder, name))
  }
})

/** Replaces text of a header in the folder, and gives its path. */
function change(name: string, from: string | RegExp, to: string): string {
  const file = join(folder, name)
  const text = readFileSync(file, 'utf8')
  expect(text.replace(from, to)).not.toBe(text)
  writeFileSync(file, text.replace(from, to))
  return file
}

test('a gap holds no samples, and what a segment has not recorded is no number', async () => {
  const recording = await readRecording(join(folder, 'variable.hea'))
  expect(recording.segments).toEqual([
    { onset: 0, sample: 0, nSamples: 170 },
    { onset: 240 / 360, sample: 170, nSamples: 131 },
  ])
  expect(recording.events.map(({ sample }) => sample)).toEqual([0, 299])
  const [mlii, v5] = recording.read({ channels: ['MLII', 'V5'], from: 90 / 360, to: 110 / 360 })
  expect(Array.from(v5!, Number.isNaN)).toEqual(Array.from({ length: 20 }, (_, i) => i < 10))
  expect(mlii!.every(Number.isFinite)).toBe(true)
})

test('a gap in a record of fixed layout moves what follows', async () => {
  const whole = await readRecording(join(folder, 'fixed.hea'))
  const file = change('fixed.hea', /fixed\/3 3 360 301/, 'fixed/4 3 360 351')
  change('fixed.hea', 'fixed_0002', '~ 50\nfixed_0002')
  const recording = await readRecording(file)
  expect(recording.read()).toEqual(whole.read())
  expect(recording.segments.map(({ onset }) => onset)).toEqual([0, 230 / 360])
  expect([whole.duration, recording.duration]).toEqual([301 / 360, 351 / 360])
})

test('a header may end in a comment without a line break, but not in the middle of a signal', async () => {
  const file = join(folder, 'fixed_0001.hea')
  const whole = await readRecording(file)
  const text = readFileSync(file, 'utf8').trimEnd()
  writeFileSync(file, `${text}\n#Utility frequency: 60`)
  expect((await readRecording(file)).read()).toEqual(whole.read())
  writeFileSync(file, text)
  await expect(readRecording(file)).rejects.toMatchObject({ code: 'FILE_TRUNCATED' })
})

test('segments are not recordings of their own when a folder is read', async () => {
  expect([...(await readAll(folder))].map(({ name }) => name)).toEqual(['fixed', 'variable'])
})

test.each([
  [
    'fixed.hea',
    'fixed_0001 80',
    'fixed_0001 81',
    /fixed.hea: its segments are not as long as the record: expected 301 frames, received 302/,
  ],
  [
    'fixed_0001.hea',
    '3 360 80',
    '3 250 80',
    /fixed_0001.hea: the segment has another rate: expected 360 Hz, received 250 Hz/,
  ],
  [
    'fixed_0001.hea',
    '3 360 80',
    '3 360 79',
    /fixed_0001.hea: the segment has another length.*expected 80, received 79/,
  ],
  [
    'fixed_0002.hea',
    'l/min',
    'degC',
    /fixed_0002.hea: a signal of the segment is not as its record has it: expected Resp in l\/min/,
  ],
  ['fixed.hea', 'fixed_0002 121', 'fixed 121', /fixed.hea: a segment consists of segments/],
  ['fixed.hea', 'fixed_0002 121', 'other 121', /other.hea/],
  ['variable_0001.hea', 'Resp', 'Other', /variable_0001.hea: the segment has other signals than its record/],
])('%s with %s as %s is one clear error', async (name, from, to, message) => {
  change(name, from, to)
  await expect(readRecording(join(folder, name.replace(/_.*/, '.hea')))).rejects.toThrow(message)
})

test.each(['8', '16'])(
  'each signal of format %s begins at the frame of its skew, and ends in as many that are no numbers',
  async (format) => {
    const name = `f${format}`
    for (const ending of ['hea', 'dat'])
      copyFileSync(join(source, `${name}.${ending}`), join(folder, `${name}.${ending}`))
    const straight = (await readRecording(join(folder, `${name}.hea`))).read()
    const skews = [0, 7, 2]
    let signal = 0
    const file = join(folder, `${name}.hea`)
    const text = readFileSync(file, 'utf8')
    writeFileSync(
      file,
      text.replaceAll(`${name}.dat ${format}`, (start) => `${start}:${skews[signal++]}`),
    )
    const recording = await readRecording(file)
    const n = recording.nSamples
    const expected = straight.map((row, i) => Float64Array.from(row, (_, k) => row[k + skews[i]!] ?? Number.NaN))
    expect(recording.read()).toEqual(expected)
    expect(recording.readSamples(n - 3, n, [2, 1])).toEqual([2, 1].map((i) => expected[i]!.slice(n - 3)))
    expect(recording.readSamples(100, 104, [1])).toEqual([expected[1]!.slice(100, 104)])
    change(`${name}.hea`, ':7', `:${n}`)
    await expect(readRecording(file)).rejects.toThrow(
      /\.hea: a signal is skewed out of the record: expected less than 301 frames, received 301/,
    )
  },
)

test.each([
  ['508', /compressed by FLAC: write them anew with xform -O/],
  ['516', /compressed by FLAC/],
  ['524', /compressed by FLAC/],
  ['999', /stored in a format that is not known/],
])('format %s is refused by name', async (format, message) => {
  for (const ending of ['hea', 'dat']) copyFileSync(join(source, `f16.${ending}`), join(folder, `f16.${ending}`))
  const file = change('f16.hea', /f16\.dat 16/g, `f16.dat ${format}`)
  await expect(readRecording(file)).rejects.toMatchObject({
    code: 'FILE_UNSUPPORTED',
    file,
    message: expect.stringMatching(message),
  })
})
