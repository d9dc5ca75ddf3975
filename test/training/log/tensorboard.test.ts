import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { crc32c, maskedCrc32c } from '../../../lib/training/log/crc32c.ts'
import { TensorBoardWriter } from '../../../lib/training/log/tensorboard.ts'
import { encodeEvent, type TfEvent } from '../../../lib/training/log/tfevents.ts'
import { decodeEvents } from './decode-events.ts'

const fixture = new Uint8Array(readFileSync('test/fixtures/tensorboard/events.bin'))
const events = JSON.parse(readFileSync('test/fixtures/tensorboard/events.json', 'utf8')) as TfEvent[]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-tensorboard-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('CRC-32C of the vectors of RFC 3720', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  expect(crc32c(new Uint8Array(0))).toBe(0)
  expect(maskedCrc32c(new Uint8Array(0))).toBe(0xa282ead8)
})

test("reads a file of TensorBoard's own writer", () => {
  expect(decodeEvents(fixture)).toEqual(events)
})

test('what we encode decodes to the same, with float32 values', () => {
  const event = fc.record({
    wallTime: fc.double({ min: 0, max: 4e9, noNaN: true }),
    step: fc.maxSafeNat(),
    scalars: fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.float(), { noNullPrototype: true }),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 5 }), (list) => {
      const bytes = Buffer.concat(list.map(encodeEvent))
      expect(decodeEvents(bytes)).toEqual(list)
    }),
    { examples: [[[{ wallTime: 0, step: 0, scalars: JSON.parse('{"__proto__":0}') }]]] },
  )
})

test('a file cut short gives the whole events before the cut, a changed byte an error', () => {
  fc.assert(
    fc.property(fc.nat(fixture.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const read = decodeEvents(fixture.subarray(0, at))
      expect(read).toEqual(events.slice(0, read.length))
      expect(read.length).toBeLessThan(events.length)
      const changed = fixture.slice()
      changed[at]! ^= flip
      expect(() => decodeEvents(changed)).toThrow('wrong checksum')
    }),
  )
})

test('the writer makes one file a run, with the version first', () => {
  {
    using writer = new TensorBoardWriter(join(folder, 'run'))
    writer.scalars({ 'loss/train': 0.5, 'accuracy/validation': 0.75 }, 3)
    expect(decodeEvents(new Uint8Array(readFileSync(writer.path)))).toHaveLength(2)
  }
  {
    using writer = new TensorBoardWriter(join(folder, 'run'), { resumeAt: 2 })
    writer.scalars({ 'loss/train': 0.25 }, 2)
  }
  const files = readdirSync(join(folder, 'run')).sort()
  expect(files).toHaveLength(2)
  const [first, second] = files.map((f) => decodeEvents(new Uint8Array(readFileSync(join(folder, 'run', f)))))
  expect(first).toMatchObject([
    { fileVersion: 'brain.Event:2' },
    { step: 3, scalars: { 'loss/train': 0.5, 'accuracy/validation': 0.75 } },
  ])
  expect(second).toMatchObject([{ fileVersion: 'brain.Event:2' }, { step: 2, restart: true }, { step: 2 }])
  expect(first![0]!.wallTime).toBeCloseTo(Date.now() / 1000, -2)
})

test('a wrong step, a closed writer and a folder that is a file are clear errors', () => {
  const writer = new TensorBoardWriter(folder)
  expect(() => writer.scalars({ a: 1 }, 1.5)).toThrow('expected a whole number, 0 or more, received 1.5')
  writer.close()
  expect(() => writer.scalars({ a: 1 }, 1)).toThrow('the writer is closed')
  expect(() => new TensorBoardWriter(writer.path)).toThrow('cannot be written')
})
