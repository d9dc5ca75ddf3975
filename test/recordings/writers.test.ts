import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openStore, readRecording, writeBrainVision, writeNpz } from 'eegtorch'
import { runNode } from '../built.ts'
import { fixturePath } from './agree.ts'
import { makeRecording } from './make-recording.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

test('NumPy arrays keep every number, gap and event', async () => {
  const source = await readRecording(fixturePath('fif/gaps_raw.fif'))
  const file = join(folder, 'gaps.npz')
  await writeNpz(file, source)
  const again = await readRecording(file)
  expect(again.read()).toEqual(source.read())
  expect(again.segments).toEqual(source.segments)
  expect(again.events).toEqual(source.events)
  expect(again.channels.map(({ name, type, unit }) => [name, type, unit])).toEqual(
    source.channels.map(({ name, type, unit }) => [name, type, unit]),
  )
})

test('BrainVision keeps samples to 32 bits, markers, and where segments begin', async () => {
  const source = await readRecording(fixturePath('brainvision/int16.vhdr'))
  const file = join(folder, 'copy.vhdr')
  await writeBrainVision(file, source)
  const again = await readRecording(file)
  for (const [i, samples] of again.read().entries()) {
    const worst = samples.reduce((most, x, k) => Math.max(most, Math.abs(x - source.read()[i]![k]!)), 0)
    expect(worst).toBeLessThan(1e-7 * Math.max(...source.read()[i]!.map(Math.abs)))
  }
  expect(again.segments).toEqual(source.segments)
  const kept = ({ label }: { label: string }) => !label.startsWith('New Segment')
  expect(again.events.filter(kept).map(({ sample, label }) => [sample, label])).toEqual(
    source.events.filter(kept).map(({ sample, label }) => [sample, label]),
  )
  expect(again.startTime).toEqual(source.startTime)
  expect(again.channels.map(({ name, unit }) => [name, unit])).toEqual(
    source.channels.map(({ name, unit }) => [name, unit]),
  )
})

test('what a format cannot hold is refused, and nothing is left behind', async () => {
  const mixed = await readRecording(fixturePath('gdf/timed.gdf'))
  const before = readdirSync(folder)
  await expect(writeBrainVision(join(folder, 'mixed.vhdr'), mixed)).rejects.toThrow(
    'BrainVision holds channels of one rate',
  )
  await expect(writeBrainVision(join(folder, 'mixed.eeg'), mixed)).rejects.toThrow('a name ending in .vhdr')
  await expect(writeNpz(join(folder, 'mixed.npz'), mixed)).rejects.toThrow('an array holds channels of one rate')
  expect(readdirSync(folder)).toEqual(before)
})

test('eegtorch export reads any format and writes three', async () => {
  for (const ending of ['edf', 'vhdr', 'npz']) {
    const target = join(folder, `exported.${ending}`)
    const { stdout, code } = await runNode([main, 'export', fixturePath('gdf/v1.gdf'), target])
    expect([code, stdout]).toEqual([0, `${target}: 2 channels, 1.3 s, 3 events\n`])
    expect((await readRecording(target)).nSamples).toBe(200)
  }
  const again = await runNode([main, 'export', fixturePath('gdf/v1.gdf'), join(folder, 'exported.npz')])
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('--force writes over it')])
  writeFileSync(join(folder, 'other.eeg'), 'of another recorder')
  const beside = await runNode([main, 'export', fixturePath('gdf/v1.gdf'), join(folder, 'other.vhdr')])
  expect([beside.code, beside.stderr]).toEqual([1, expect.stringMatching(/other\.eeg: .*--force writes over it/)])
  const part = await runNode([main, 'export', fixturePath('gdf/v1.gdf'), join(folder, 'part.edf'), '--window', '0..1'])
  expect([part.code, part.stderr]).toEqual([1, expect.stringContaining('a recording is written as a whole')])
  const wrong = await runNode([main, 'export', fixturePath('gdf/v1.gdf'), join(folder, 'x.set')])
  expect(wrong.stderr).toContain('a name ending in .edf, .vhdr, .npz, .lmdb')
  expect(existsSync(join(folder, 'x.set'))).toBe(false)
})

test('a disk that fills up is one clear error of export, which leaves older files as they were and none half-written', async () => {
  const full = join(folder, 'full')
  mkdirSync(full)
  // One channel and many markers: it is not the first of BrainVision's files that is too large.
  const source = join(full, 'source.npz')
  const events = Array.from({ length: 4000 }, (_, i) => ({ onset: i / 1000, duration: 0, label: `an event ${i}` }))
  await writeNpz(source, makeRecording({ samplingRate: 1000, nSamples: 4000, events }))
  const old = await readRecording(fixturePath('gdf/v1.gdf'))
  await writeBrainVision(join(full, 'run.vhdr'), old)
  const contents = () => readdirSync(full).map((name) => [name, readFileSync(join(full, name)).toString('base64')])
  const before = contents()
  for (const words of [['run.edf'], ['run.vhdr', '--force'], ['run.npz'], ['run.lmdb', '--window', '0..0.1']]) {
    // Beyond this many blocks of 512 bytes a write fails, as on a full disk.
    const command = `trap '' XFSZ; ulimit -f 64; exec "$0" "$@"`
    const target = join(full, words[0]!)
    const { status, stderr } = spawnSync(
      '/bin/sh',
      ['-c', command, process.execPath, main, 'export', source, target, ...words.slice(1)],
      { encoding: 'utf8' },
    )
    expect([words[0], status]).toEqual([words[0], 1])
    expect(stderr).toMatch(/^EegTorchError \[FILE_WRITE_FAILED\]: \S*run\.\w+: .*cannot be written \(.*\)/)
    expect(contents()).toEqual(before)
  }
})

test('eegtorch export writes the windows around events to a store', async () => {
  const target = join(folder, 'trials.lmdb')
  const source = fixturePath('gdf/v1.gdf')
  const without = await runNode([main, 'export', source, target])
  expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('--window FROM..TO in seconds')])
  const { stderr, code } = await runNode([main, 'export', source, target, '--window', '0..0.25'])
  expect([code, stderr]).toEqual([0, ''])
  const { windows } = openStore(target)
  const recording = await readRecording(source)
  expect([windows.length, windows.nSamples, windows.classNames]).toEqual([3, 40, ['1023', '769', '770']])
  const [first] = recording.events
  const [c3] = recording.readSamples(first!.sample, first!.sample + 40, [0])
  expect(Array.from(windows.window(0).subarray(0, 40))).toEqual(Array.from(c3!, Math.fround))
})
