import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random, readRecording } from 'eegtorch'
import { rejectionOf } from '../thrown.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const RATE = 100

function write(name: string, rows: readonly (readonly string[])[], { separator = ',', lineBreak = '\n' } = {}): string {
  const file = join(folder, name)
  const names = ['time', ...rows[0]!.map((_, i) => `E${i}`)]
  const lines = rows.map((cells, i) => [(i / RATE).toFixed(2), ...cells].join(separator))
  writeFileSync(file, [names.join(separator), ...lines, ''].join(lineBreak))
  return file
}

const random = new Random(3)
const draw = () => (random.uniform() - 0.5) * 10 ** Math.floor(12 * random.uniform())
/** Ways to write a number, of few digits and of many. */
const WRITTEN: readonly ((value: number) => string)[] = [
  String,
  (value) => value.toFixed(3),
  (value) => value.toFixed(0),
  (value) => value.toExponential(5),
  (value) => ` +${Math.abs(value).toFixed(1)}`,
  (value) => `0000000000000000${Math.abs(value).toFixed(2)} `,
  (value) => `${Math.abs(value).toFixed(20)}`,
  (value) => `-.${Math.abs(Math.trunc(value))}`,
  (value) => `${Math.trunc(value)}.`,
  () => '-0',
  (value) => `"${value}"`,
  (value) => `" ${value.toFixed(2)}" `,
  () => '""',
  () => '',
  () => 'NaN',
]

test.each([
  [',', '\n', '.'],
  [';', '\r\n', '.'],
  ['\t', '\r', '.'],
  [';', '\r\n', ','],
  ['\t', '\n', ','],
])('numbers separated by %j are what Number() makes of them', async (separator, lineBreak, point) => {
  const rows = Array.from({ length: 12_000 }, (_, row) =>
    Array.from({ length: 8 }, (_, column) => WRITTEN[(row + column) % WRITTEN.length]!(draw())),
  )
  const written = rows.map((cells) => cells.map((cell) => cell.replace('.', point)))
  const recording = await readRecording(write('odd.csv', written, { separator, lineBreak }))
  const number = (cell: string) => Number(cell.replaceAll('"', '') || Number.NaN)
  const columns = rows[0]!.map((_, column) => Float64Array.from(rows, (cells) => number(cells[column]!)))
  expect(recording.nSamples).toBe(rows.length)
  const read = recording.read()
  for (const [i, column] of columns.entries())
    expect(read[i]!.every((value, k) => Object.is(value, column[k]))).toBe(true)
  for (const [start, stop] of [
    [63, 65],
    [1000, 1200],
    [11_999, 12_000],
  ] as const)
    expect(recording.readSamples(start, stop, [7, 2])).toEqual([7, 2].map((i) => columns[i]!.slice(start, stop)))
})

test.each(['1,2,3', '1.2,3', '1,2.3', ',', '"1', '1"', '"1"2', '"1;2"'])(
  '%j is no number between semicolons',
  async (cell) => {
    const rows = [
      ['1,5', '2'],
      [cell, '3'],
    ]
    await expect(readRecording(write('commas.csv', rows, { separator: ';' }))).rejects.toThrow(
      'line 3 holds something other than numbers',
    )
  },
)

test.each(['0x10', 'Infinity', '1.2.3', '-', '.', '1e', '--1', '1 2', 'n'])('%j is no number', async (cell) => {
  const rows = Array.from({ length: 200 }, (_, row) => ['1', row === 150 ? cell : '2', '3'])
  const { code, message } = await rejectionOf(readRecording(write('wrong.csv', rows)))
  expect([code, message]).toEqual([
    'FILE_INVALID',
    expect.stringContaining('line 152 holds something other than numbers'),
  ])
})

test.each([[['1', '2']], [['1', '2', '3', '4']], [['']]])('a line with the cells %j is refused', async (cells) => {
  const rows = Array.from({ length: 200 }, (_, row) => (row === 150 ? cells : ['1', '2', '3']))
  const { code, message } = await rejectionOf(readRecording(write('cells.csv', rows)))
  const received = `line 152 has another number of cells: expected 4, received ${cells.length + 1}`
  expect([code, message]).toEqual(['FILE_INVALID', expect.stringContaining(received)])
})
