import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-examples-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs an example, which is a program, and gives the lines that it printed. */
async function printed(name: string): Promise<string[]> {
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    await import(`../examples/${name}.ts`)
    return log.mock.calls.map(([line]) => String(line))
  } finally {
    log.mockRestore()
  }
}

test('tensors', async () => {
  expect(await printed('tensors')).toEqual([
    'gradient of shape [2,3]',
    'mean of squares 7.5, 0 tensors left behind',
    'J0(1) = 0.765198',
  ])
})

test('a loop of one’s own lowers the loss', async () => {
  const [line] = await printed('own-loop')
  const [first, last] = line!.match(/[\d.]+/g)!.map(Number)
  expect(last).toBeLessThan(first!)
})

test('an autoencoder removes noise, and is compared with what needs no network', async () => {
  process.env.EPOCHS = '2'
  const lines = await printed('denoise')
  expect(lines.map((line) => line.split(':')[0])).toEqual(['aae', 'regression per frequency', 'mean training image'])
  for (const line of lines) expect(line).toMatch(/: -?\d+\.\d ± \d+\.\d dB gained$/)
})

test('cross-validation scores and reports', async () => {
  process.env.EPOCHS = '2'
  process.env.REPORT = join(folder, 'report.html')
  expect((await printed('cross-validate')).at(-1)).toMatch(/^accuracy 0\.\d\d \[.*\], chance 0\.5\d, 36 trials$/)
  expect(readFileSync(process.env.REPORT, 'utf8')).toMatch(/^<!doctype html>/i)
})

test('a saved network comes back with the same answers', async () => {
  expect(await printed('load-checkpoint')).toEqual([
    expect.stringMatching(/^safetensors: eegnet, \d+ numbers, fits eegnet$/),
    expect.stringMatching(/^eegnet of \d+ parameters, largest difference 0$/),
  ])
})

test('recordings are written, read, shown and decoded', async () => {
  const [summary, score] = await printed('read-recordings')
  expect(summary).toMatch(/22 channels/)
  expect(summary).toMatch(/16 events: left hand 8 · right hand 8/)
  const [accuracy, trials] = score!.match(/[\d.]+/g)!.map(Number)
  expect(trials).toBe(48)
  expect(accuracy).toBeGreaterThan(0.7)
})

test('a muscle is found tense from the whole recording, and live', async () => {
  const [sizes, onsets] = await printed('emg')
  const [tense, relaxed] = sizes!.match(/\d+/g)!.map(Number)
  expect(tense).toBeGreaterThan(5 * relaxed!)
  const [found, simulated] = onsets!.match(/\d+/g)!.map(Number)
  expect(found).toBe(simulated)
})

test('heartbeats are found', async () => {
  const [beats, rate] = await printed('ecg')
  const [found, simulated, apart] = beats!.match(/\d+/g)!.map(Number)
  expect(found).toBe(simulated)
  expect(apart).toBeLessThanOrEqual(8)
  expect(Number(rate!.match(/[\d.]+/)![0])).toBeCloseTo(64, 0)
})
