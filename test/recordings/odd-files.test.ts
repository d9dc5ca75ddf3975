import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { drawTraces, EegTorchError, type FileOptions, formatSummary, inspectRecording, readRecording } from 'eegtorch'
import { casesOf, fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

/*
 * What goes wrong in laboratories, in each format: two channels of one name, a name beyond ASCII, a flat channel, one without numbers,
 * an unknown unit, no events. That the samples are right is held elsewhere (agreement.test.ts).
 */
const FILES = Object.keys(casesOf('odd').own)
const folder = temporaryFolder()

describe.each(FILES)('%s', (name) => {
  test('is read, told apart and drawn', async () => {
    const recording = await readRecording(fixturePath(name))
    const names = recording.channels.map((channel) => channel.name)
    expect(names.slice(0, 2)).toEqual(['Fz', 'Fz-1'])
    expect(names[2]).toMatch(/^Mü(-Ω)?$/)
    expect(recording.channelIndex('Fz')).toBe(0)
    expect(recording.channels[0]!.unit).toBe('V')
    // FIF has numbers for units, and none for this one; GDF's table knows no such unit.
    expect(recording.channels[4]!.unit).toBe(/fif$|gdf$/.test(name) ? '' : /set$/.test(name) ? 'V' : 'foo')
    expect(recording.events).toEqual([])
    const summary = inspectRecording(recording)
    const isNumber = /[eb]df$/.test(name)
    expect(summary.quality.plausible.slice(0, 3)).toEqual(expect.arrayContaining(names.slice(0, isNumber ? 3 : 2)))
    const faults = isNumber ? 'flat (flat)' : `${names[2]} (no numbers), flat (flat)`
    expect(formatSummary(summary)).toMatch(/\nno events\n/)
    expect(formatSummary(summary)).toContain(` channels plausible; not ${faults}`)
    const svg = drawTraces(recording)
    expect(svg).not.toMatch(/NaN|Infinity/)
    expect(svg).toContain('Mü')
  })
})

type Change = (bytes: Buffer) => Buffer

/** Replaces all that is there of some bytes by others; they must be there. */
const replace =
  (from: string | Buffer, to: string | Buffer): Change =>
  (bytes) => {
    const [old, fresh] = [from, to].map((value) => Buffer.from(value).toString('latin1'))
    expect(bytes.includes(Buffer.from(from))).toBe(true)
    return Buffer.from(
      bytes.toString('latin1').replaceAll(old!, () => fresh!),
      'latin1',
    )
  }
const put =
  (at: number, fresh: string | Buffer): Change =>
  (bytes) => {
    Buffer.from(fresh).copy(bytes, at)
    return bytes
  }
const number = (kind: 'DoubleLE' | 'FloatBE' | 'Int32BE' | 'UInt32LE' | 'UInt16LE', value: number) => {
  const bytes = Buffer.alloc(kind === 'DoubleLE' ? 8 : kind === 'UInt16LE' ? 2 : 4)
  bytes[`write${kind}`](value)
  return bytes
}
const int64 = (value: number) => Buffer.from(BigInt64Array.of(BigInt(value)).buffer)
const double = (value: number) => number('DoubleLE', value)
/** A number in a FIF file stands behind its kind, its type and its size. */
const fif = (kind: number, type: number, value: Buffer) =>
  Buffer.concat([...[kind, type, 4, 0].map((part) => number('Int32BE', part)), value])

/** Reads a fixture, changed, under its own name, with the files that lie beside it. */
async function readChanged(name: string, change: Change, options: FileOptions = {}) {
  const source = fixturePath(name)
  const stem = basename(name).replace(/\.[^.]*$/, '')
  for (const beside of readdirSync(dirname(source))) {
    if (beside.startsWith(`${stem}.`)) copyFileSync(join(dirname(source), beside), join(folder, beside))
  }
  const file = join(folder, basename(name))
  writeFileSync(file, change(readFileSync(source)))
  const before = process.memoryUsage().arrayBuffers
  try {
    const recording = await readRecording(file, options)
    recording.read()
    return recording
  } catch (error) {
    if (!(error instanceof EegTorchError)) throw error
    expect(error.message).toContain(folder)
    return error
  } finally {
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20)
  }
}

test.each<[string, Change, FileOptions]>([
  ['odd/odd.edf', put(244, '0       '), {}],
  ['odd/odd.bdf', put(244, '0       '), {}],
  ['odd/odd.gdf', put(248, number('UInt32LE', 0)), {}],
  ['odd/odd.vhdr', replace('SamplingInterval=16666.666666666668', 'SamplingInterval=0'), {}],
  ['eeglab/side-by-side.set', replace(double(90), double(0)), {}],
  ['odd/odd-73.set', replace(double(60), double(0)), {}],
  ['odd/odd_raw.fif', replace(fif(201, 4, number('FloatBE', 60)), fif(201, 4, number('FloatBE', 0))), {}],
  ['odd/odd.csv', (bytes) => Buffer.from(bytes.toString().replaceAll(/^\d\.\d{9}/gm, '0.5')), {}],
  ['odd/odd.xdf', replace('<nominal_srate>60<', '<nominal_srate>00<'), {}],
  ['odd/odd.hea', replace('odd 5 30 60', 'odd 5 0 60'), {}],
  ['odd/odd.npz', (bytes) => bytes, { samplingRate: 0 }],
  ['odd/odd.mat', (bytes) => bytes, { samplingRate: 0 }],
])('%s without a sampling rate is one clear error', async (name, change, options) => {
  const outcome = await readChanged(name, change, options)
  expect(outcome).toBeInstanceOf(EegTorchError)
  expect((outcome as EegTorchError).message).toMatch(/rate|duration of a record|stream/)
})

test.each<[string, string, Change]>([
  ['records', 'odd/odd.edf', put(236, '99999999')],
  [
    'samples in a record',
    'odd/odd.edf',
    replace('60      60      60      60      30', '99999999'.repeat(4).padEnd(34)),
  ],
  ['signals', 'odd/odd.edf', put(252, '9999')],
  ['records', 'odd/odd.bdf', put(236, '99999999')],
  ['signals', 'odd/odd.bdf', put(252, '9999')],
  ['records', 'odd/odd.gdf', put(236, int64(2 ** 40))],
  ['channels', 'odd/odd.gdf', put(252, number('UInt16LE', 60_000))],
  ['events', 'gdf/types.gdf', (bytes) => put(bytes.length - 4 * 12 - 7, Buffer.from([255, 255, 255]))(bytes)],
  ['samples', 'brainvision/vectorised.vhdr', replace('DataPoints=400', 'DataPoints=4000000000')],
  ['channels', 'odd/odd.vhdr', replace('NumberOfChannels=5', 'NumberOfChannels=500000000')],
  ['samples', 'eeglab/side-by-side.set', replace(double(360), double(2 ** 39))],
  ['channels', 'eeglab/side-by-side.set', replace(double(4), double(2 ** 39))],
  ['samples', 'odd/odd-73.set', replace(double(120), double(2 ** 39))],
  ['channels', 'odd/odd_raw.fif', replace(fif(200, 3, number('Int32BE', 5)), fif(200, 3, number('Int32BE', 2 ** 30)))],
  ['frames', 'odd/odd.hea', replace('odd 5 30 60', 'odd 5 30 6000000000')],
  ['signals', 'odd/odd.hea', replace('odd 5 30 60', 'odd 5000000 30 60')],
  ['frames of a gap', 'wfdb/variable.hea', replace('~ 70', '~ 700000000000')],
  ['channels', 'odd/odd.xdf', replace('<channel_count>5<', '<channel_count>500000000<')],
  ['rows', 'numpy/rows.npy', replace('(3, 200)', '(3000000000, 200)')],
])('more %s than %s holds are refused before anything is allocated', async (_, name, change) => {
  const outcome = await readChanged(name, change, { samplingRate: 100 })
  expect(outcome).toBeInstanceOf(EegTorchError)
  expect((outcome as EegTorchError).code).toMatch(/^FILE_(TRUNCATED|INVALID|UNSUPPORTED)$/)
})
