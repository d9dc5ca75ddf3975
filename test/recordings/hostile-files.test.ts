import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { EegTorchError, type FileOptions, Random, type Recording, readRecording } from 'eegtorch'
import { fixturePath } from './agree.ts'
import { temporaryFolder } from './temporary.ts'

/*
 * Every damaged file either reads or gives one EegTorchError that names it, in bounded time and memory. A file that was cut short
 * gives an error, or the samples that are left, unchanged.
 */

const VARIABLE = ['variable_0000', 'variable_0001', 'variable_0002']

/** By format: each file, those that it needs beside it, and whether a length is written in it. */
const CASES: Record<string, { files: string[]; knowsLength?: false; options?: FileOptions }[]> = {
  edf: [{ files: ['edf/annotated.edf'] }, { files: ['edf/gaps.edf'] }],
  bdf: [{ files: ['bdf/status.bdf'] }, { files: ['bdf/annotated.bdf'] }],
  gdf: [{ files: ['gdf/v1.gdf'] }, { files: ['gdf/types.gdf'] }, { files: ['gdf/timed.gdf'] }],
  eeglab: [
    { files: ['eeglab/inside.set'] },
    { files: ['eeglab/side-by-side.set'] },
    { files: ['eeglab/outside.set', 'eeglab/outside.fdt'] },
    { files: ['eeglab/epochs.set'] },
  ],
  mat73: [{ files: ['mat73/inside.set'] }, { files: ['mat73/side-by-side.set'] }, { files: ['mat73/columns.mat'] }],
  numpy: [
    { files: ['numpy/rows.npy'], options: { samplingRate: 100 } },
    { files: ['numpy/big-end.npy'], options: { samplingRate: 100 } },
    { files: ['numpy/trials.npz'] },
    { files: ['numpy/stored.npz'] },
    { files: ['numpy/level4.mat'], knowsLength: false },
    { files: ['numpy/level4-big-endian.mat'], knowsLength: false },
  ],
  fif: [
    { files: ['fif/single_raw.fif'] },
    { files: ['fif/short_raw.fif'] },
    { files: ['fif/split_raw.fif', 'fif/split_raw-1.fif'] },
    { files: ['fif/some-epo.fif'] },
    { files: ['fif/packed_raw.fif.gz'] },
    { files: ['fif/packed-epo.fif.gz'] },
  ],
  csv: [
    { files: ['csv/times.csv'], knowsLength: false },
    { files: ['csv/quoted.csv'], knowsLength: false },
  ],
  xdf: [{ files: ['xdf/streams.xdf'] }],
  wfdb: [
    { files: ['wfdb/f212.hea', 'wfdb/f212.dat', 'wfdb/f212.atr'] },
    { files: ['wfdb/f24.hea', 'wfdb/f24.dat'] },
    { files: ['wfdb/f310-299.hea', 'wfdb/f310-299.dat'] },
    { files: ['wfdb/skewed-310.hea', 'wfdb/skewed-310.dat'] },
    {
      files: [
        'wfdb/variable.hea',
        ...VARIABLE.flatMap((name) => [`wfdb/${name}.hea`, `wfdb/${name}.dat`]),
        'wfdb/variable_layout.hea',
      ],
    },
  ],
  brainvision: [
    { files: ['brainvision/int16.vhdr', 'brainvision/int16.vmrk', 'brainvision/int16.eeg'], knowsLength: false },
    { files: ['brainvision/vectorised.vhdr', 'brainvision/vectorised.vmrk', 'brainvision/vectorised.eeg'] },
    { files: ['brainvision/ascii.vhdr', 'brainvision/ascii.vmrk', 'brainvision/ascii.eeg'] },
  ],
}

const folder = temporaryFolder()
const FLIPS = Number(process.env.EEGTORCH_FLIPS ?? 300)
/** Formats whose library is started anew after each damaged file get fewer. */
const SLOWER: Readonly<Record<string, number>> = { mat73: 5 }
const MEMORY = 16 * 2 ** 20
const SECONDS = 5

const cases = Object.entries(CASES).flatMap(([format, list]) =>
  list.flatMap(({ files, knowsLength = true, options = {} }) =>
    files.map(
      (damaged): Case => ({
        format,
        main: files[0]!,
        files,
        damaged,
        knowsLength,
        options,
        share: list.flatMap((one) => one.files).length * (SLOWER[format] ?? 1),
      }),
    ),
  ),
)

interface Case {
  format: string
  main: string
  files: string[]
  /** Which of the files is damaged. */
  damaged: string
  knowsLength: boolean
  options: FileOptions
  /** Files of the format that share its number of bit flips. */
  share: number
}

describe.each(cases)('$damaged (read from $main)', ({ main, files, damaged, knowsLength, options, share }) => {
  const whole = readFileSync(fixturePath(damaged))
  const target = join(folder, basename(damaged))

  async function attempt(bytes: Buffer): Promise<Recording | EegTorchError> {
    writeFileSync(target, bytes)
    const [before, started] = [process.memoryUsage().arrayBuffers, performance.now()]
    try {
      const recording = await readRecording(join(folder, basename(main)), options)
      recording.read()
      return recording
    } catch (error) {
      // Compared by name: an unexpected error must show itself, not be counted.
      if (!(error instanceof EegTorchError) || !/^FILE_|^INVALID_OPTION$/.test(error.code)) throw error
      expect(error.message).toContain(folder)
      return error
    } finally {
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MEMORY)
      expect(performance.now() - started).toBeLessThan(SECONDS * 1000)
    }
  }

  beforeAll(() => {
    for (const file of files) copyFileSync(fixturePath(file), join(folder, basename(file)))
  })
  afterAll(() => writeFileSync(target, whole))

  test('cut short at every hundredth of its length', async () => {
    const original = (await readRecording(fixturePath(main), options)).read()
    let refused = 0
    for (let percent = 0; percent < 100; percent++) {
      const outcome = await attempt(whole.subarray(0, Math.floor((whole.length * percent) / 100)))
      if (outcome instanceof EegTorchError) {
        refused++
        continue
      }
      for (const [i, samples] of outcome.read().entries()) {
        // Half a number at the end of a text is another number; the warning says so.
        const sure = samples.length - (outcome.format === 'CSV' && outcome.warnings.length > 0 ? 1 : 0)
        expect(samples.subarray(0, sure)).toEqual(original[i]!.subarray(0, sure))
        expect(samples.length === original[i]!.length || outcome.warnings.length > 0 || !knowsLength).toBe(true)
      }
    }
    expect(refused).toBeGreaterThan(0)
  })

  test(`bits flipped`, async () => {
    const random = new Random(damaged.length + whole.length)
    for (let i = 0; i < Math.ceil(FLIPS / share); i++) {
      const bytes = Buffer.from(whole)
      // Mostly in the first kilobyte, where headers are.
      const reach = i % 2 === 0 ? Math.min(1024, bytes.length) : bytes.length
      const at = Math.floor(random.uniform() * reach)
      bytes[at] = bytes[at]! ^ (1 << Math.floor(random.uniform() * 8))
      await attempt(bytes)
    }
  }, 600_000)
})

test('every format is among them', () => {
  expect(Object.keys(CASES).every((format) => dirname(CASES[format]![0]!.files[0]!) === format)).toBe(true)
})
