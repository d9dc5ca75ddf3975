import { Standardiser } from '../datasets/standardise.ts'
import { allocate, type EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import { inPieces, type Pieces } from '../files/in-pieces.ts'
import { Random } from '../random.ts'
import type { PictureControl } from './pictures/controls.ts'

/** Windows whose mean and deviation noise is given, spread over all of them. */
const LOOKED_AT = 512

/**
 * The first windows with EEG that is not theirs, for a control of pictures: `shuffled`, that of a trial of another class, or where there is one class of
 * another trial; `random`, normal numbers with the mean and deviation of each channel over all windows. What a window gets depends on the seed and on
 * its place alone, so that more of them leave the others as they are.
 *
 * @param count windows; default: all
 * @throws EegTorchError `INVALID_OPTION` where there is no other trial
 */
export async function controlWindows(
  windows: EegWindows,
  control: Exclude<PictureControl, 'label'>,
  { count = windows.length, seed = 0 }: { count?: number; seed?: number } = {},
): Promise<EegWindows> {
  const first = windows.subset(Array.from({ length: Math.min(count, windows.length) }, (_, i) => i))
  if (control === 'random') return first.with({ data: await noiseLike(windows, first.length, seed) })
  return windows.subset(othersOf(windows, first.length, seed)).with({ origins: first.origins })
}

/** For each of the first windows one of another class, or of another trial. */
function othersOf(windows: EegWindows, count: number, seed: number): number[] {
  const all = Array.from(windows.labels.keys())
  const ofOtherClass = windows.classNames.map((_, label) => all.filter((i) => windows.labels[i] !== label))
  const isOtherTrial = (i: number, own: number) =>
    windows.trial(i) !== windows.trial(own) || windows.recordingOf(i) !== windows.recordingOf(own)
  return all.slice(0, count).map((own) => {
    const known = ofOtherClass[windows.labels[own]!]!
    const others = known.length > 0 ? known : all.filter((i) => isOtherTrial(i, own))
    if (others.length > 0) return new Random(seed, own).pick(others)
    throw new EegTorchError('INVALID_OPTION', 'there is no other trial whose EEG a control could take', {
      option: 'controls',
      expected: 'windows of two trials or more',
    })
  })
}

async function noiseLike(windows: EegWindows, count: number, seed: number): Promise<Float32Array> {
  const every = Math.ceil(windows.length / LOOKED_AT)
  const looked = Array.from({ length: Math.ceil(windows.length / every) }, (_, i) => i * every)
  const { mean, std } = await Standardiser.fitAsync(windows, looked)
  const { nChannels, nSamples } = windows
  function* draw(): Pieces<Float32Array> {
    const data = allocate(count * nChannels * nSamples)
    for (let window = 0, at = 0; window < count; window++) {
      const random = new Random(seed, window)
      for (let channel = 0; channel < nChannels; channel++) {
        for (let i = 0; i < nSamples; i++) data[at++] = mean[channel]! + std[channel]! * random.normal()
        yield
      }
    }
    return data
  }
  return inPieces(draw())
}
