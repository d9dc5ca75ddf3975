import { fromTypedArray } from '../creation.ts'
import { type Montage, montageOf, montages } from '../datasets/montages.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'

/** Montages by the names that people write. */
export const MONTAGES = {
  'bcic-iv-2a': montages.bcicIv2a,
  'visual-imagery': montages.visualImagery,
  'visual-imagery-eeg2image': montages.visualImageryEeg2image,
} as const satisfies Record<string, Montage>

/** The name of one of {@link MONTAGES}. */
export type MontageName = keyof typeof MONTAGES

/** (trials, channels, samples) */
export function tensorOf(windows: EegWindows, indices: readonly number[]): Tensor {
  const { data, shape } = windows.batch(indices)
  return fromTypedArray(data, { shape })
}

/**
 * The channels of a store, with the regions of a montage where one is named.
 *
 * @throws EegTorchError `INVALID_OPTION` for a channel that the montage does not have
 */
export function channelsOf(
  { channelNames: channels }: EegWindows,
  { montage: name }: { montage?: MontageName | undefined },
) {
  if (name === undefined) return { channels }
  const named = MONTAGES[name]
  const places = channels.map((channel) =>
    named.channels.findIndex((known) => known.toUpperCase() === channel.toUpperCase()),
  )
  const strange = channels[places.indexOf(-1)]
  if (strange !== undefined) {
    throw new EegTorchError('INVALID_OPTION', `the montage ${name} has no channel ${strange}`, {
      option: 'montage',
      expected: named.channels.join(', '),
    })
  }
  const regions = places.map((place) => named.brainRegions[place]!)
  return { channels, montage: montageOf(channels, regions) }
}

/**
 * Networks without places on the head read channels by their order.
 *
 * @param trained names that the networks' file tells; undefined in older files, which are not asked
 * @param file of the networks
 * @throws EegTorchError `CHECKPOINT_MISMATCH` unless the windows have these channels in this order
 */
export function requireChannels({ channelNames }: EegWindows, trained: unknown, file: string): void {
  const written = (names: readonly string[]) => names.map((name) => name.toUpperCase()).join()
  if (!Array.isArray(trained) || written(trained.map(String)) === written(channelNames)) return
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the networks were trained on other channels than the windows have', {
    ...{ file, expected: trained.join(', '), received: channelNames.join(', ') },
  })
}
