import type { ChannelRange, SignalSource } from '../source.ts'
import { getterOf, type SampleType } from './sample-types.ts'
import type { StridedChannel } from './strided-source.ts'

/** Samples of equal type in memory, as a file had them: where what holds them had to be unpacked anyway. */
export interface SampleBuffer {
  readonly bytes: Uint8Array
  readonly type: SampleType
  readonly littleEndian: boolean
  /** Bytes from one sample of a channel to its next, and from one channel to the next. */
  readonly sampleStride: number
  readonly channelStride: number
  /** Where the samples lie in several pieces: how many are in each, and the bytes from one piece to the next. */
  readonly perPiece?: number
  readonly pieceStride?: number
}

/** Samples that stay in memory as they were stored, converted when asked for. */
export class BufferSource implements SignalSource {
  constructor(
    private readonly buffer: SampleBuffer,
    private readonly channels: readonly StridedChannel[],
  ) {}

  read(ranges: readonly ChannelRange[]): Float64Array[] {
    const { bytes, type, littleEndian, sampleStride, channelStride, perPiece, pieceStride = 0 } = this.buffer
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const get = getterOf(type, littleEndian)
    return ranges.map(({ channel, start, stop }) => {
      const { slot, gain, offset = 0 } = this.channels[channel]!
      const out = new Float64Array(stop - start)
      for (let sample = start; sample < stop; sample++) {
        const piece = perPiece === undefined ? 0 : Math.floor(sample / perPiece)
        const at = piece * pieceStride + (sample - piece * (perPiece ?? 0)) * sampleStride
        out[sample - start] = get(view, at + slot * channelStride) * gain + offset
      }
      return out
    })
  }
}
