import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRecording } from 'eegtorch'
import { SAMPLE_BYTES } from '../../lib/recordings/binary/sample-types.ts'
import { Hdf5Source } from '../../lib/recordings/hdf5/source.ts'
import { readMatFile } from '../../lib/recordings/matlab/mat-file.ts'
import { fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

const folder = temporaryFolder()

test.each(['columns.mat', 'trials.mat', 'side-by-side.set'])(
  'any part of %s is that part of the whole',
  async (name) => {
    const recording = await readRecording(fixturePath(`mat73/${name}`))
    const whole = recording.read()
    const last = recording.channels.length - 1
    for (const [start, stop] of [
      [0, 1],
      [749, 751],
      [100, 101],
      [37, 280],
      [recording.nSamples - 1, recording.nSamples],
    ]) {
      const part = recording.readSamples(Math.min(start!, recording.nSamples), Math.min(stop!, recording.nSamples), [
        last,
        1,
      ])
      expect(part).toEqual([last, 1].map((channel) => whole[channel]!.slice(start!, stop!)))
    }
  },
)

test('blocks of any size give the same samples', () => {
  const array = readMatFile(fixturePath('mat73/trials.mat')).get('X')!
  if (array.kind !== 'stored') throw new Error('the array is small enough to be loaded')
  expect([array.dims, SAMPLE_BYTES[array.type], array.chunks]).toEqual([[6, 12, 750], 4, [4, 12, 400]])
  const channels = Array.from({ length: 12 }, (_, slot) => ({ slot, gain: 1 }))
  const ranges = [
    { channel: 3, start: 10, stop: 4321 },
    { channel: 11, start: 800, stop: 801 },
  ]
  const [whole, small] = [2 ** 22, 1].map((bytes) =>
    new Hdf5Source(array, { trials: 0, channels: 1, samples: 2 }, channels, bytes).read(ranges),
  )
  expect(small).toEqual(whole)
  expect(new Set(whole![0]).size).toBeGreaterThan(100)
})

test('an array that claims more than the file can hold is refused before it is read', async () => {
  const bytes = readFileSync(fixturePath('mat73/side-by-side.set'))
  // Sizes of the array of samples, which stand there twice: as they are, and as the largest that they may become.
  const sizes = Buffer.alloc(16)
  sizes.writeBigUInt64LE(360n)
  sizes.writeBigUInt64LE(4n, 8)
  const places: number[] = []
  for (let at = bytes.indexOf(sizes); at >= 0; at = bytes.indexOf(sizes, at + 1)) places.push(at)
  expect(places.length).toBeGreaterThan(0)
  for (const at of places) bytes.writeBigUInt64LE(360_000_000_000n, at)
  const file = join(folder, 'claims.set')
  writeFileSync(file, bytes)
  await expect(readRecording(file)).rejects.toThrow(
    /claims\.set: the HDF5 file is damaged \(.*claims \d+ bytes, more than/,
  )
})

test('a filter that is not HDF5’s own is named', async () => {
  await expect(readRecording(fixturePath('mat73-filters/lzf.mat'))).rejects.toMatchObject({
    code: 'FILE_UNSUPPORTED',
    file: fixturePath('mat73-filters/lzf.mat'),
    message: expect.stringMatching(/\/X is packed by a filter.*expected gzip.*received lzf \(number 32000\)/),
  })
  const unpacked = await readRecording(fixturePath('mat73-filters/lzf-unused.mat'))
  expect(Array.from(unpacked.read()[1]!.subarray(0, 2))).toEqual([0.7859107915662121, 0.4802251364085529])
})

test('a file that is cut off says so, and one that changes is noticed when it is read', async () => {
  const whole = readFileSync(fixturePath('mat73/columns.mat'))
  const file = join(folder, 'cut.mat')
  writeFileSync(file, whole.subarray(0, whole.length - 1000))
  await expect(readRecording(file)).rejects.toMatchObject({ code: 'FILE_TRUNCATED', file })
  copyFileSync(fixturePath('mat73/columns.mat'), file)
  const recording = await readRecording(file)
  writeFileSync(file, whole.subarray(0, whole.length - 1000))
  expect(() => recording.read()).toThrow(/cut\.mat: the HDF5 file is cut off: expected 97266 bytes, received 96266/)
  copyFileSync(fixturePath('mat73/columns.mat'), file)
  expect(recording.read({ from: 0, to: 0.1 })[0]).toHaveLength(50)
})

test('more damaged files than a thread has instances of the library change nothing for whole ones', async () => {
  const whole = readFileSync(fixturePath('mat73/trials.mat'))
  const file = join(folder, 'damaged.mat')
  const damaged = Buffer.from(whole)
  damaged[90_823]! ^= 4
  const expected = (await readRecording(fixturePath('mat73/trials.mat'))).read()
  for (let i = 0; i < 35; i++) {
    writeFileSync(file, damaged)
    const recording = await readRecording(file)
    expect(() => recording.read()).toThrow(/damaged\.mat: the HDF5 file is damaged \(filter returned failure/)
    // A question right behind an error finds a library that is new.
    if (i % 10 !== 4) continue
    writeFileSync(file, whole)
    expect((await readRecording(file)).read()).toEqual(expected)
  }
})
