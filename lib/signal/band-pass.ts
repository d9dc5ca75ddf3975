import { EegTorchError } from '../errors.ts'
import { butterworth, type FilterSection } from './butterworth.ts'
import { filterBothWays } from './sos-filter.ts'

/** A zero-phase Butterworth filter. */
export interface BandPassOptions {
  /** Corners in hertz, `[4, 38]`. `null` on one side leaves that side open: `[1, null]` is a high-pass. */
  band: readonly [low: number | null, high: number | null]
  /** Order of the low-pass prototype in one direction, default 4. Run both ways, a corner is at -6 dB. */
  order?: number
}

/** A designed filter for one sampling rate; `apply` may be used for any number of signals. */
export class BandPass {
  readonly sections: readonly FilterSection[]

  /** @throws EegTorchError `INVALID_OPTION` if the band does not fit the sampling rate (hertz) */
  constructor(
    { band, order = 4 }: BandPassOptions,
    readonly samplingRate: number,
  ) {
    if (!Array.isArray(band) || band.length !== 2) {
      throw new EegTorchError('INVALID_OPTION', 'a filter needs a frequency band', {
        option: 'band',
        expected: 'two frequencies in hertz, such as [4, 38]',
        received: JSON.stringify(band) ?? 'nothing',
      })
    }
    this.sections = butterworth(order, band[0] ?? undefined, band[1] ?? undefined, samplingRate)
  }

  /** Filters one signal forward and backward where it is called, in JavaScript; the result is a new array of the same length and unit. */
  apply(samples: Float64Array): Float64Array {
    return filterBothWays(this.sections, samples)
  }
}
