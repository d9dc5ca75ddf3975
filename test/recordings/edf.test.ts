import { readFileSync, truncateSync, unlinkSync } from 'node:fs'
import { EegTorchError, readEdf, readRecording } from 'eegtorch'
import { readEdfHeader } from '../../lib/recordings/edf.ts'
import { fixturePath } from './agree.ts'
import { type EdfBytes, edfBytes } from './edf-bytes.ts'
import { put, temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const NOTES = 'EDF Annotations'
let files = 0
const write = (parts: EdfBytes, name = `f${files++}.edf`) => put(folder, name, edfBytes(parts))
const read = (parts: EdfBytes, options = {}) => readEdf(write(parts), options)

const plain: EdfBytes = {
  signals: [
    { label: 'Fc5.', samples: 4 },
    { label: 'EEG Cz-REF', samples: 4, unit: 'mV', physical: [-2, 2] },
    { label: 'Temp rectal', samples: 1, unit: 'degC', physical: [0, 50], digital: [0, 1000] },
  ],
  records: [
    [[0, 1000, -1000, 500], [1, 2, 3, 4], [740]],
    [[7, 8, 9, 10], [5, 6, 7, 8], [760]],
  ],
}

test('reads labels, units and rates, and each channel at its own rate', async () => {
  const recording = await read(plain)
  expect(recording.channels.map(({ name, type, unit, samplingRate }) => [name, type, unit, samplingRate])).toEqual([
    ['FC5', 'eeg', 'V', 4],
    ['Cz', 'eeg', 'V', 4],
    ['Temp rectal', 'misc', 'degC', 1],
  ])
  expect(recording).toMatchObject({ samplingRate: 4, nSamples: 8, duration: 2, format: 'EDF', events: [] })
  expect(recording.startTime?.toISOString()).toBe('2003-02-01T04:05:06.000Z')
  const [fc5, cz, temperature] = recording.read()
  expect([...fc5!].map((volts) => Math.round(volts * 1e9))).toEqual([0, 100_000, -100_000, 50_000, 700, 800, 900, 1000])
  expect(cz![1]).toBeCloseTo(4e-6, 15)
  expect([...temperature!]).toEqual([37, 38])
})

test('both micro signs, in each encoding that files have them in, and other prefixes are volts', async () => {
  const utf8 = (text: string) => Buffer.from(text).toString('latin1')
  const units = ['\u00b5V', utf8('\u00b5V'), '\x83\xcaV', 'uV', 'UV', 'microV', 'Volt', 'mV', 'nV', 'kV', 'MV']
  const signals = units.map((unit, i) => ({ label: `E${i}`, unit, samples: 2 }))
  const recording = await read({ signals, records: [units.map(() => [10, 20])] })
  const values = recording.read().map(([first]) => Number(first!.toPrecision(9)))
  expect(values).toEqual([1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1, 1e-3, 1e-9, 1e3, 1])
  expect(recording.channels.map(({ unit }) => unit)).toEqual([...Array(10).fill('V'), 'MV'])
})

test('annotations that are no UTF-8 are Latin-1', async () => {
  const signals = [
    { label: 'Cz', samples: 4 },
    { label: NOTES, samples: 16 },
  ]
  const bytes = edfBytes({ reserved: 'EDF+C', signals, records: [[[1, 2, 3, 4], '+0\x14\x14\0+0.5\x14f_r\x14\0']] })
  bytes[bytes.indexOf('f_r') + 1] = 0xfc
  expect((await readEdf(put(folder, 'latin.edf', bytes))).events.map(({ label }) => label)).toEqual(['für'])
})

test('reads a stretch of some channels', async () => {
  const recording = await read(plain)
  const [temperature, fc5] = recording.read({ channels: ['Temp rectal', 'FC5'], from: 0.5, to: 1.5 })
  expect([...fc5!].map((volts) => Math.round(volts * 1e7))).toEqual([-1000, 500, 7, 8])
  expect([...temperature!]).toEqual([38])
  expect(recording.read({ from: -5, to: 99 })[0]!.length).toBe(8)
  expect(recording.read({ from: 1, to: 1 })[0]!.length).toBe(0)
  expect([...recording.pick(['Cz']).readSamples(3, 5)[0]!].map((v) => Math.round(v * 1e6))).toEqual([8, 10])
  expect(() => recording.read({ channels: ['C7'] })).toThrow("no channel 'C7': expected one of FC5, Cz, Temp rectal")
  expect(() => recording.read({ from: 2, to: 1 })).toThrow('from <= to')
  expect(() => recording.readSamples(0, 9)).toThrow('within 0..8')
  expect(() => recording.readSamples(0, 1)).toThrow('channel Temp rectal cannot be read with the others')
})

test('an onset without its sign is one after the start, with a warning', async () => {
  const signals = [
    { label: 'Cz', samples: 4 },
    { label: NOTES, samples: 24 },
  ]
  const parts = (text: string): EdfBytes => ({ reserved: 'EDF+C', signals, records: [[[1, 2, 3, 4], text]] })
  const recording = await read(parts('0\x14\x14\x001.5\x150.25\x14T1\x14\x00+2\x14T2\x14\x00'))
  expect(recording.events.map(({ onset, duration, label }) => [onset, duration, label])).toEqual([
    [1.5, 0.25, 'T1'],
    [2, 0, 'T2'],
  ])
  expect(recording.warnings).toEqual([expect.stringMatching(/^1 annotations have an onset without a sign/)])
  expect((await read(parts('+0\x14\x14\x00+1\x14T1\x14\x00'))).warnings).toEqual([])
  await expect(read(parts('+0\x14\x14\x00.5\x14T1\x14\x00'))).rejects.toThrow('annotations of record 1')
})

test('annotations have durations and several texts, may come from two signals, and count from the first sample', async () => {
  const recording = await read({
    reserved: 'EDF+C',
    signals: [
      { label: 'Cz', samples: 10 },
      { label: NOTES, samples: 32 },
      { label: NOTES, samples: 16 },
    ],
    records: [
      [[], '+0.25\x14\x14\0+1.45\x150.5\x14both fists\x14füße\x14\0', '+0.25\x14first\x14\0'],
      [[], '+1.25\x14\x14\0+0.75\x14\x14\0-3\x14before\x14\0', ''],
    ],
  })
  expect(recording.events).toEqual([
    { onset: -3.25, duration: 0, label: 'before', sample: -1 },
    { onset: 0, duration: 0, label: 'first', sample: 0 },
    { onset: 1.2, duration: 0.5, label: 'both fists', sample: 12 },
    { onset: 1.2, duration: 0.5, label: 'füße', sample: 12 },
  ])
  expect(recording.channels.length).toBe(1)
})

describe('a discontinuous file', () => {
  const gaps: EdfBytes = {
    reserved: 'EDF+D',
    signals: [
      { label: 'Cz', samples: 4 },
      { label: 'EOG left', samples: 2 },
      { label: NOTES, samples: 20 },
    ],
    records: [
      [[0, 1, 2, 3], [0, 1], '+10\x14\x14\0+21.5\x14late\x14\0'],
      [[4, 5, 6, 7], [2, 3], '+11\x14\x14\0+14\x14lost\x14\0'],
      [[8, 9, 10, 11], [4, 5], '+20.5\x14\x14\0'],
      [[12, 13, 14, 15], [6, 7], '+21.5\x14\x14\0'],
    ],
  }

  test('keeps its gaps: times are real, samples are what was stored', async () => {
    const recording = await read(gaps)
    expect(recording.segments).toEqual([
      { onset: 0, sample: 0, nSamples: 8 },
      { onset: 10.5, sample: 8, nSamples: 8 },
    ])
    expect(recording).toMatchObject({ nSamples: 16, duration: 12.5 })
    expect(recording.events.map(({ label, onset, sample }) => [label, onset, sample])).toEqual([
      ['lost', 4, -1],
      ['late', 11.5, 12],
    ])
    const digits = (samples: Float64Array) => [...samples].map((volts) => Math.round(volts * 1e7))
    const [cz, eog] = recording.read({ from: 1.5, to: 11 })
    expect([digits(cz!), digits(eog!)]).toEqual([
      [6, 7, 8, 9],
      [3, 4],
    ])
    expect(digits(recording.read({ from: 3, to: 10 })[0]!)).toEqual([])
    expect([recording.isContiguous(0, 8), recording.isContiguous(7, 9)]).toEqual([true, false])
  })

  test('is filtered stretch by stretch', async () => {
    const recording = (await read(gaps)).filter({ band: [null, 0.9], order: 2 })
    const both = recording.read({ channels: ['Cz'] })[0]!
    const alone = (await read({ ...gaps, reserved: 'EDF+C', records: gaps.records!.slice(2) })).filter({
      band: [null, 0.9],
      order: 2,
    })
    expect([...both.slice(8)]).toEqual([...alone.read({ channels: ['Cz'] })[0]!])
  })

  test('must tell when each record starts, in order', async () => {
    const untimed = gaps.records!.map((record, i) => (i === 2 ? [...record.slice(0, 2), ''] : record))
    await expect(read({ ...gaps, records: untimed })).rejects.toThrow('record 3 is out of order: expected a start time')
    const swapped = [gaps.records![2]!, gaps.records![0]!]
    await expect(read({ ...gaps, records: swapped })).rejects.toThrow('record 2 is out of order')
  })
})

test('a number of records of -1 is found from the size', async () => {
  expect((await read({ ...plain, nRecords: -1 })).nSamples).toBe(8)
})

// Their samples are held against MNE's in agreement.test.ts.
test.each(['edf/empty-ranges.edf', 'gdf/empty-ranges.gdf', 'gdf/v1-empty-ranges.gdf'])(
  '%s is read with a warning that names the channels without a scale',
  async (name) => {
    const { warnings } = await readRecording(fixturePath(name))
    expect(warnings).toEqual([expect.stringMatching(/empty range .* of -, --, 0\.$/)])
  },
)

test('a trigger channel has no scale to miss', async () => {
  const bytes = readFileSync(fixturePath('bdf/status.bdf'))
  // Physical minimum and maximum of the last of three signals.
  for (const before of [104, 112]) bytes.write('0'.padEnd(8), 256 + 3 * before + 16, 'latin1')
  const { warnings, events } = await readEdf(put(folder, 'status.bdf', bytes))
  expect(warnings).toEqual([])
  expect(events).toEqual((await readEdf(fixturePath('bdf/status.bdf'))).events)
})

test('a digital range that descends is ascending for who asks how wide it is', () => {
  const [signal] = readEdfHeader(fixturePath('edf/empty-ranges.edf')).signals.slice(-1)
  expect(signal).toMatchObject({ label: 'Cz', digitalRange: [-2048, 2047], hasEmptyRange: false })
})

test('subject, session and run come from the name', async () => {
  const one = await readEdf(write(plain, 'S012R06.edf'))
  expect(one).toMatchObject({ name: 'S012R06', subject: 'S012', session: undefined, run: '6' })
  const bids = await readEdf(write(plain, 'sub-07_ses-b_task-rest_run-02_eeg.edf'))
  expect(bids).toMatchObject({ subject: '07', session: 'b', run: '2' })
  expect(await readEdf(write(plain, 'night.edf'))).toMatchObject({ subject: undefined, run: undefined })
})

describe('a file that ends too early', () => {
  const short = (options = {}) => {
    const file = write(plain)
    truncateSync(file, 256 * 4 + 18 + 5)
    return readEdf(file, options)
  }

  test('is refused with both counts', async () => {
    await expect(short()).rejects.toThrow('the header promises 2 records of 18 bytes, the file ends in record 2')
    await expect(short()).rejects.toMatchObject({ code: 'FILE_TRUNCATED' })
  })

  test('gives its complete records when asked to', async () => {
    expect((await short({ truncated: 'read' })).nSamples).toBe(4)
  })
})

test('a file that shrinks or goes away after it was opened is one clear error', async () => {
  const file = write(plain)
  const recording = await readEdf(file)
  truncateSync(file, 256 * 4 + 18)
  expect(() => recording.read()).toThrow(expect.objectContaining({ code: 'FILE_TRUNCATED' }))
  unlinkSync(file)
  expect(() => recording.read()).toThrow(expect.objectContaining({ code: 'FILE_NOT_FOUND' }))
})

const signal = plain.signals![0]!
const bad: [string, EdfBytes, string, string][] = [
  ['another format', { ...plain, version: 'RIFF' }, 'FILE_INVALID', 'this is not an EDF or BDF file'],
  ['no signals', { ...plain, nSignals: 0 }, 'FILE_INVALID', 'the header describes no signals'],
  ['a negative number of signals', { ...plain, nSignals: -3 }, 'FILE_INVALID', 'at least 1 signal, received -3'],
  [
    'a claim of 9999 signals',
    { ...plain, nSignals: 9999, headerBytes: 2560000 },
    'FILE_TRUNCATED',
    'takes 2,560,000 bytes',
  ],
  ['a wrong header size', { ...plain, headerBytes: 256 }, 'FILE_INVALID', 'expected 1024 bytes, received 256'],
  ['a claim of a terabyte', { ...plain, nRecords: 99999999 }, 'FILE_TRUNCATED', 'promises 99,999,999 records'],
  [
    'huge records',
    { ...plain, signals: [{ ...signal, samples: 99999999 }], records: [[[]]].slice(1), nRecords: 1 },
    'FILE_TRUNCATED',
    'the end of its first record',
  ],
  ['no records', { ...plain, records: [] }, 'FILE_TRUNCATED', 'holds no data records'],
  ['a negative number of records', { ...plain, nRecords: -2 }, 'FILE_INVALID', 'the number of records is negative'],
  [
    'more records than promised',
    { ...plain, nRecords: 1 },
    'FILE_INVALID',
    'longer than its header says: expected 1 records, received 2',
  ],
  ['no duration', { ...plain, duration: 0 }, 'FILE_INVALID', 'the sampling rate of signal Fc5.'],
  ['a negative duration', { ...plain, duration: -1 }, 'FILE_INVALID', 'negative time'],
  ['an endless duration', { ...plain, duration: '1e999' }, 'FILE_INVALID', 'the duration of a record is not a number'],
  [
    'text for a number',
    { ...plain, nRecords: 'many' },
    'FILE_INVALID',
    'the number of records is not a whole number: expected digits, received "many"',
  ],
  [
    'no samples',
    { ...plain, signals: [{ ...signal, samples: 0 }] },
    'FILE_INVALID',
    'samples per record of signal 1 (Fc5.)',
  ],
  ['negative samples', { ...plain, signals: [{ ...signal, samples: -4 }] }, 'FILE_INVALID', '1 or more, received -4'],
  [
    'an endless physical range',
    { ...plain, signals: [{ ...signal, physical: ['-1e308', '1e308'] }] },
    'FILE_INVALID',
    'too wide',
  ],
  [
    'annotations only',
    { reserved: 'EDF+C', duration: 0, signals: [{ label: NOTES, samples: 8 }], records: [['+0\x14\x14\0']] },
    'FILE_UNSUPPORTED',
    'annotations only',
  ],
  [
    'broken annotations',
    {
      reserved: 'EDF+C',
      signals: [signal, { label: NOTES, samples: 8 }],
      records: [
        [[], '+0\x14\x14\0'],
        [[], 'hello'],
      ],
    },
    'FILE_INVALID',
    'the annotations of record 2',
  ],
]

test.each(bad)('%s is one clear error', async (_, parts, code, message) => {
  const file = write(parts)
  await expect(readEdf(file)).rejects.toMatchObject({ code, file })
  await expect(readEdf(file)).rejects.toThrow(message)
})

test('what is no EDF file at all is one clear error', async () => {
  const cases: [string, string][] = [
    [folder, 'a folder'],
    ['/dev/zero', 'a pipe or a device'],
    [`${folder}/none.edf`, 'there is no such file'],
    [put(folder, 'empty.edf', ''), 'too short for an EDF header: expected at least 256 bytes, received 0'],
    [put(folder, 'text.edf', 'hello '.repeat(100)), 'this is not an EDF or BDF file'],
    [
      put(folder, 'x.bdf', Buffer.concat([Buffer.from('\xffBIOSEMI', 'latin1'), Buffer.alloc(400, 32)])),
      'number of signals is not a whole number',
    ],
  ]
  for (const [file, message] of cases) {
    await expect(readEdf(file)).rejects.toBeInstanceOf(EegTorchError)
    await expect(readEdf(file)).rejects.toThrow(message)
  }
})
