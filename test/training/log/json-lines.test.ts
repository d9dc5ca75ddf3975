import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { JsonLinesLog, readJsonLines } from '../../../lib/training/log/json-lines.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-log-'))
  path = join(folder, 'log.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(...records: Record<string, unknown>[]): void {
  using log = new JsonLinesLog(path)
  for (const record of records) log.append(record)
}

test('records come back, also after opening again', () => {
  write({ epoch: 1, loss: 0.5 })
  write({ epoch: 2, note: 'ä\n"' })
  expect(readJsonLines(path)).toEqual([
    { epoch: 1, loss: 0.5 },
    { epoch: 2, note: 'ä\n"' },
  ])
})

test('a line is in the file as soon as it is appended', () => {
  const log = new JsonLinesLog(path)
  log.append({ epoch: 1 })
  expect(readFileSync(path, 'utf8')).toBe('{"epoch":1}\n')
  log.close()
})

test('numbers that JSON cannot hold keep their name', () => {
  write({ loss: Number.NaN, low: -Infinity })
  expect(readJsonLines(path)).toEqual([{ loss: 'NaN', low: '-Infinity' }])
})

test('a log cut at any byte opens again with the whole lines before it', () => {
  const records = [{ epoch: 1, text: 'µV' }, { epoch: 2 }, { epoch: 3, loss: 0.25 }]
  write(...records)
  const whole = readFileSync(path)
  const ends = [...whole.entries()].filter(([, byte]) => byte === 10).map(([i]) => i + 1)
  fc.assert(
    fc.property(fc.nat(whole.length), (cut) => {
      writeFileSync(path, whole.subarray(0, cut))
      const kept = ends.filter((end) => end <= cut).length
      write({ epoch: 9 })
      expect(readJsonLines(path)).toEqual([...records.slice(0, kept), { epoch: 9 }])
    }),
  )
})

test('a resumed run drops what came after its checkpoint', () => {
  write({ step: 1 }, { step: 2 }, { step: 3 })
  using log = new JsonLinesLog(path, { keep: (record) => (record.step as number) <= 1 })
  log.append({ step: 2, again: true })
  expect(readJsonLines(path)).toEqual([{ step: 1 }, { step: 2, again: true }])
})

test('records between others are dropped too, with a half line at the end', () => {
  write({ step: 1 }, { step: 2, loss: Number.NaN }, { step: 3, loss: Number.NaN })
  appendFileSync(path, '{"step":4')
  using log = new JsonLinesLog(path, { keep: (record) => record.step !== 2 })
  log.append({ step: 5 })
  expect(readJsonLines(path)).toEqual([{ step: 1 }, { step: 3, loss: 'NaN' }, { step: 5 }])
})

test('a broken last line is dropped, a broken line before it is an error that names it', () => {
  write({ epoch: 1 })
  appendFileSync(path, '\0\0\0\n')
  expect(readJsonLines(path)).toEqual([{ epoch: 1 }])
  appendFileSync(path, '{"epoch":2}\n')
  expect(() => readJsonLines(path)).toThrow(/log\.jsonl: line 2 is no JSON object/)
  expect(() => new JsonLinesLog(path)).toThrow('line 2')
})

test('a missing folder, a missing file and a closed log are clear errors', () => {
  expect(() => new JsonLinesLog(join(folder, 'no', 'log.jsonl'))).toThrow(/cannot be written .*no.log\.jsonl/)
  expect(() => readJsonLines(join(folder, 'none'))).toThrow(/cannot be read .*none/)
  const log = new JsonLinesLog(path)
  log.close()
  expect(() => log.append({})).toThrow('the log is closed')
})
