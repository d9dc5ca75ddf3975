import { EegTorchError } from '../errors.ts'
import type { ChannelType } from '../recordings/recording.ts'

/** What windows must agree in to be one set. */
export interface WindowLayout {
  readonly channelNames: readonly string[]
  /** What the channels measure, where it is known. */
  readonly channelTypes?: readonly ChannelType[] | undefined
  readonly nSamples: number
  /** Hertz. */
  readonly samplingRate: number
}

/**
 * Refuses windows whose shape, rate or channels are not those of others.
 *
 * @param name whose windows they are, for the error
 * @throws EegTorchError `SHAPE_MISMATCH`
 */
export function requireSameLayout(name: string, layout: WindowLayout, firstName: string, first: WindowLayout): void {
  const [received, expected] = [inWords(layout), inWords(first)]
  if (received === expected) return
  throw new EegTorchError('SHAPE_MISMATCH', `${name} gives other windows than ${firstName}`, { expected, received })
}

function inWords({ channelNames, channelTypes, nSamples, samplingRate }: WindowLayout): string {
  const channels = channelNames.map((name, i) => {
    const type = channelTypes?.[i] ?? 'eeg'
    return type === 'eeg' ? name : `${name} (${type})`
  })
  return `${nSamples} samples at ${samplingRate} Hz of ${channels.join(', ')}`
}
