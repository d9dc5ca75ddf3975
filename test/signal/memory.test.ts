import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { asyncSignal, Ica, type IcaOptions, ones, randn, releaseMemory, type Tensor } from 'eegtorch'

const SHAPE = [64, 80_000]
const RECORDING = SHAPE[0]! * SHAPE[1]! * 8
const LONGER = 4 // times the recording, beside which a few pages of the process's own are little
const RESET_PEAK = '5'
const SETTLED = 100 // until nothing holds what the last call made

const bytes = (name: string): number =>
  1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1])

/** The peak of memory while `action` runs beyond what was held before, over the size of the recording: the least of three, for the process does other things too. */
async function peakOf(action: () => Promise<unknown>, recording = RECORDING): Promise<number> {
  await action() // loads the code
  const peaks: number[] = []
  for (let i = 0; i < 3; i++) {
    await setTimeout(SETTLED)
    releaseMemory()
    const before = bytes('VmRSS')
    writeFileSync('/proc/self/clear_refs', RESET_PEAK)
    await action()
    peaks.push((bytes('VmHWM') - before) / recording)
  }
  return Math.min(...peaks)
}

function canMeasure(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', RESET_PEAK)
    return true
  } catch {
    return false
  }
}

describe('beside the recording, one array of its size', () => {
  let x: Tensor
  beforeAll(() => {
    x = randn(SHAPE, { dtype: 'float64' })
  })
  const on = canMeasure() ? test : test.skip

  on.each<[string, IcaOptions]>([
    ['fastica', { maxIterations: 1 }],
    ['picard', { method: 'picard', maxIterations: 1 }],
    ['infomax', { method: 'infomax', maxIterations: 1, kurtosisBlocks: 0 }],
  ])('%s', async (_, options) => {
    expect(await peakOf(() => Ica.fit(x, { ...options, components: 60 }))).toBeLessThan(1.4)
  })

  on.each<[string, (long: Tensor) => Promise<Tensor>]>([
    ['envelope', (long) => asyncSignal.envelope(long)],
    ['notch', (long) => asyncSignal.mneNotchFilter(long, 1000, [50, 100])],
  ])('%s, and room that does not grow with the recording', async (_, run) => {
    using long = randn([SHAPE[0]!, LONGER * SHAPE[1]!], { dtype: 'float64' })
    expect(await peakOf(async () => (await run(long)).dispose(), LONGER * RECORDING)).toBeLessThan(1.06)
  })

  on('alignment, and room for each thread, not for each part of the recording', async () => {
    using recording = randn([SHAPE[0]!, (LONGER * SHAPE[1]!) / 1000, 1000], { dtype: 'float64' })
    using trials = recording.transpose(0, 1)
    const run = async () => {
      const { aligned, reference } = await asyncSignal.euclideanAlignment(trials)
      aligned.dispose()
      reference.dispose()
    }
    expect(await peakOf(run, LONGER * RECORDING)).toBeLessThan(1.04)
  })

  on.each<[string, (few: Tensor) => Promise<Tensor>]>([
    ['detrend', (few) => asyncSignal.detrend(few)],
    ['average reference', (few) => asyncSignal.rereference(few)],
    ['signal-space projection', (few) => asyncSignal.projectOut(few, ones([1, 4], { dtype: 'float64' }))],
    ['stft', async (few) => (await asyncSignal.stft(few, { samplingRate: 1000, segment: 2048, overlap: 0 })).spectrum],
  ])('%s, and no array of the length of a signal', async (_, run) => {
    using few = randn([4, RECORDING / 32], { dtype: 'float64' })
    expect(await peakOf(async () => (await run(few)).dispose())).toBeLessThan(1.15)
  })

  on('current source density', async () => {
    const positions = Array.from({ length: 64 }, (_, i) => {
      const angle = 2.4 * i
      const height = i / 64
      const radius = Math.sqrt(1 - height * height)
      return [radius * Math.cos(angle), radius * Math.sin(angle), height] as [number, number, number]
    })
    const run = async () => (await asyncSignal.currentSourceDensity(x, positions)).dispose()
    expect(await peakOf(run)).toBeLessThan(1.4)
  })
})

test('one sample of many that is not finite is found', async () => {
  const x = randn([4, 20_000], { dtype: 'float64' })
  await expect(Ica.fit(x, { components: 4, maxIterations: 1 })).resolves.toBeDefined()
  for (const [sample, value] of [
    [19_999, Number.NaN],
    [7000, Number.POSITIVE_INFINITY],
  ] as const) {
    const broken = x.clone()
    broken.narrow(0, 2, 1).narrow(1, sample, 1).fill_(value)
    await expect(Ica.fit(broken, { components: 4 })).rejects.toThrow('finite')
  }
})
