import { closeSync, openSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readRecording } from 'eegtorch'
import { builtEntry, runNode } from '../built.ts'
import { errorOf } from '../thrown.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const RATE = 500

/** Opens a file in a process whose heap has room for the program and little more, and reads a tenth of a second in its middle; the bytes that this took. */
async function memoryToRead(file: string): Promise<number> {
  const program = join(folder, 'read.mjs')
  writeFileSync(
    program,
    `import { readRecording } from '${builtEntry}'
import { readFileSync } from 'node:fs'
const peak = () => 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
const before = peak()
const recording = await readRecording('${file}')
recording.read({ from: recording.duration / 2, to: recording.duration / 2 + 0.1 })
console.log(peak() - before)`,
  )
  const { stdout, stderr } = await runNode(['--max-old-space-size=24', '--max-semi-space-size=1', program])
  expect(stderr).toBe('')
  return Number(stdout)
}

/** How much more memory a long file takes than a short one of its kind. */
async function memoryForLength(write: (file: string, nSamples: number) => void, long: string, nSamples: number) {
  const short = join(folder, `short-${basename(long)}`)
  write(short, 1000)
  write(long, nSamples)
  return (await memoryToRead(long)) - (await memoryToRead(short))
}

const PARTS = [
  [0, 3],
  [255, 258],
  [4095, 4097],
  [9_990, 20_010],
  [29_999, 30_000],
] as const

/** Holds parts of the first and the last channel to what was written, and reads beyond the end of a file that has become shorter. */
async function expectParts(file: string, nSamples: number, value: (sample: number, channel: number) => number) {
  const recording = await readRecording(file)
  expect([recording.nSamples, recording.samplingRate, recording.warnings]).toEqual([nSamples, RATE, []])
  const last = recording.channels.length - 1
  for (const [start, stop] of PARTS) {
    const expected = [0, last].map((channel) =>
      Float64Array.from({ length: stop - start }, (_, i) => value(start + i, channel)),
    )
    expect(recording.readSamples(start, stop, [0, last])).toEqual(expected)
  }
  truncateSync(file, Math.floor(statSync(file).size / 2))
  for (const start of [nSamples / 2 - 100, nSamples - 10]) {
    expect(errorOf(() => recording.readSamples(start, nSamples, [0])).code).toBe('FILE_TRUNCATED')
  }
}

test('a table of numbers is not held in memory', async () => {
  const file = join(folder, 'long.csv')
  const nChannels = 120
  const count = (row: number, channel: number) => ((row * 7 + channel * 13) % 1009) - 500
  const write = (path: string, nRows: number) => {
    const descriptor = openSync(path, 'w')
    writeSync(descriptor, `${['time', ...Array.from({ length: nChannels }, (_, i) => `E${i + 1} [uV]`)].join(',')}\r\n`)
    for (let first = 0; first < nRows; first += 1000) {
      const lines = Array.from({ length: 1000 }, (_, i) => {
        const cells = Array.from({ length: nChannels }, (_, channel) => count(first + i, channel))
        return `${(first + i) / RATE},${cells.join(',')}\r\n`
      })
      writeSync(descriptor, lines.join(''))
    }
    closeSync(descriptor)
  }
  const memory = await memoryForLength(write, file, 30_000)
  expect(statSync(file).size).toBeGreaterThan(15e6)
  expect(memory).toBeLessThan(10e6)
  await expectParts(file, 30_000, (row, channel) => count(row, channel) * 1e-6)
})

test('the samples of an XDF file are not held in memory', async () => {
  const file = join(folder, 'long.xdf')
  const nChannels = 200
  // Some programs write long chunks, most a few samples at a time, with clock offsets in between.
  const perChunk = (first: number) => (first < 20_000 ? 10_000 : 16)
  const value = (sample: number, channel: number) => sample + channel / 1000
  const chunk = (tag: number, ...content: Buffer[]) => {
    const body = Buffer.concat([Buffer.from([tag, 0]), ...content])
    const length = Buffer.from([4, 0, 0, 0, 0])
    length.writeUInt32LE(body.length, 1)
    return Buffer.concat([length, body])
  }
  const id = Buffer.from([1, 0, 0, 0])
  const header = `<info><name>long</name><type>EEG</type><channel_count>${nChannels}</channel_count><nominal_srate>${RATE}</nominal_srate><channel_format>double64</channel_format></info>`
  const write = (path: string, nSamples: number) => {
    const descriptor = openSync(path, 'w')
    writeSync(descriptor, 'XDF:')
    writeSync(descriptor, chunk(2, id, Buffer.from(header)))
    for (let first = 0; first < nSamples; first += perChunk(first)) {
      // Every third sample has its time stamp, so samples do not lie at equal distances.
      const rows = Array.from({ length: Math.min(perChunk(first), nSamples - first) }, (_, i) => {
        const hasStamp = i % 3 === 0
        const row = Buffer.alloc((hasStamp ? 9 : 1) + 8 * nChannels)
        if (hasStamp) {
          row[0] = 8
          row.writeDoubleLE((first + i) / RATE, 1)
        }
        for (let c = 0; c < nChannels; c++) row.writeDoubleLE(value(first + i, c), row.length - 8 * (nChannels - c))
        return row
      })
      const count = Buffer.from([4, 0, 0, 0, 0])
      count.writeUInt32LE(rows.length, 1)
      writeSync(descriptor, chunk(3, id, count, ...rows))
      if (first % 4000 === 0) writeSync(descriptor, chunk(4, id, Buffer.alloc(16)))
    }
    writeSync(descriptor, chunk(6, id, Buffer.from(`<info><sample_count>${nSamples}</sample_count></info>`)))
    closeSync(descriptor)
  }
  const memory = await memoryForLength(write, file, 30_000)
  expect(statSync(file).size).toBeGreaterThan(45e6)
  expect(memory).toBeLessThan(15e6)
  await expectParts(file, 30_000, value)
})
