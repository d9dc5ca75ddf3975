import type { Position } from '../electrodes.ts'
import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { type ElectrodePlaces, positionsOf } from './head-positions.ts'
import type { Operation } from './operation.ts'

/** The spline of {@link signal.currentSourceDensity} and {@link signal.topography}. */
export interface SplineOptions {
  /** What is added to the diagonal, which smooths; default 1e-5. */
  regularization?: number | undefined
  /** Default 4. */
  stiffness?: number | undefined
  /** Terms of the Legendre series; default 50. */
  terms?: number | undefined
}

const splineOf = ({ regularization = 1e-5, stiffness = 4, terms = 50 }: SplineOptions) => ({
  regularization,
  stiffness,
  terms,
})
const CENTRE: Position = [0, 0, 0]

/** Other references, maps of the scalp, and directions taken out of the signal. */
export const space = {
  /**
   * The signal against the mean of some channels: `mne.set_eeg_reference`. Without channels this is the average reference; with two mastoids
   * it is linked mastoids. The channels referred to are changed like all others.
   *
   * @param x (..., channels, samples), float32 or float64
   * @param channels numbers of the channels, default all
   * @returns as `x`
   */
  rereference: (x: Tensor, channels: readonly number[] = []): Operation<Tensor> => ({
    operator: 'rereference',
    given: { x, reference: [...channels] },
  }),

  /**
   * Differences of channels: `mne.set_bipolar_reference`.
   *
   * @param x (..., channels, samples), float32 or float64
   * @param pairs numbers of channels: the first minus the second
   * @returns (..., pairs, samples)
   */
  bipolar: (x: Tensor, pairs: readonly (readonly [anode: number, cathode: number])[]): Operation<Tensor> => ({
    operator: 'bipolar',
    given: { x, anode: pairs.map(([anode]) => anode), cathode: pairs.map(([, cathode]) => cathode) },
  }),

  /**
   * Current source density by spherical splines (Perrin et al. 1989): `mne.preprocessing.compute_current_source_density`. Independent of the
   * reference.
   *
   * @param x (..., channels, samples) in volts, float32 or float64
   * @param positions of all channels
   * @param options.radius of the head in metres, default 0.095 as MNE's; `origin` its centre, default 0, in the unit of the positions
   * @returns as `x`, in V/m²
   */
  currentSourceDensity: (
    x: Tensor,
    positions: ElectrodePlaces,
    { radius = 0.095, origin = CENTRE, ...spline }: SplineOptions & { radius?: number; origin?: Position } = {},
  ): Operation<Tensor> => ({
    operator: 'current_source_density',
    given: { x, positions: positionsOf(positions), origin: [...origin], radius, ...splineOf(spline) },
  }),

  /**
   * Bad channels replaced by what the others say, by spherical splines (Perrin et al. 1989): `mne.io.Raw.interpolate_bads(origin=origin)`.
   * What the bad channels hold, NaN too, is not looked at.
   *
   * @param x (..., channels, samples), float32 or float64
   * @param bad numbers of the channels
   * @param positions of all channels
   * @param options.origin centre of the head, default 0
   * @returns as `x`
   */
  interpolateChannels: (
    x: Tensor,
    bad: readonly number[],
    positions: ElectrodePlaces,
    { origin = CENTRE }: { origin?: Position } = {},
  ): Operation<Tensor> => ({
    operator: 'interpolate_channels',
    given: { x, positions: positionsOf(positions), bad: [...bad], origin: [...origin] },
  }),

  /**
   * Pictures of the scalp from above, the nose up: values between electrodes by the spherical spline that {@link interpolateChannels} uses
   * (Perrin et al. 1989), on the azimuthal equidistant projection. The circle within the picture is the equator of the head, on which the
   * nasion and the ears lie. Linear in `x`.
   *
   * @param x (..., channels): values such as band power, float32 or float64
   * @param positions of all channels, from the centre of the head
   * @param options.size default 64 x 64
   * @param options.outside value of pixels outside the circle, default 0
   * @returns (..., rows, columns), in the unit of `x`
   */
  topography: (
    x: Tensor,
    positions: ElectrodePlaces,
    {
      size = [64, 64],
      outside = 0,
      ...spline
    }: SplineOptions & { size?: readonly [rows: number, columns: number]; outside?: number } = {},
  ): Operation<Tensor> => ({
    operator: 'topography',
    given: { x, positions: positionsOf(positions), rows: size[0], columns: size[1], outside, ...splineOf(spline) },
  }),

  /**
   * Directions that hold most of the power: the vectors of `mne.compute_proj_raw` (or `compute_proj_epochs`), for signal-space projection.
   * Fit them on training data, or on an empty room.
   *
   * @param x (..., channels, samples), float32 or float64; leading dimensions are added up
   * @param count directions wanted
   * @returns `directions` (count, channels) of length 1, the largest weight of each positive; `shares` (count) of the power
   */
  powerDirections: (x: Tensor, count: number): Operation<{ directions: Tensor; shares: Tensor }> => ({
    operator: 'power_directions',
    given: { x, count },
    finish: ([directions, shares]: [Tensor, Tensor]) => ({ directions, shares }),
  }),

  /**
   * Takes directions out of the signal: signal-space projection, as `mne.io.Raw.apply_proj` does it.
   *
   * @param x (..., channels, samples), float32 or float64
   * @param directions (directions, channels), of the same dtype; they need not be orthogonal
   * @returns as `x`
   */
  projectOut: (x: Tensor, directions: Tensor): Operation<Tensor> => ({
    operator: 'project_out',
    given: { x, directions },
  }),

  /**
   * Reference of Euclidean alignment: the mean over trials of `X Xᵀ`, not divided by time (He and Wu 2020).
   *
   * @param x (..., trials, channels, samples), float32 or float64
   * @returns (..., channels, channels)
   */
  euclideanReference: (x: Tensor): Operation<Tensor> => ({ operator: 'euclidean_reference', given: { x } }),

  /**
   * Signals whitened by a reference: `reference^(-1/2) X`. Directions in which the reference has no power, such as the mean after an average
   * reference, stay empty.
   *
   * @param x (..., channels, samples), float32 or float64
   * @param reference (..., channels, channels), as {@link euclideanReference} makes it of calibration trials
   * @returns as `x`, without a unit
   */
  alignTo: (x: Tensor, reference: Tensor): Operation<Tensor> => ({ operator: 'align_to', given: { x, reference } }),

  /**
   * Euclidean alignment of one person's trials (He and Wu 2020, IEEE Transactions on Biomedical Engineering 67): to the reference of all
   * (`offline`, which looks into the future), of the first `calibration` trials, or each to that of itself and those before it (`running`).
   *
   * @param x (..., trials, channels, samples), float32 or float64
   * @returns `aligned` as `x`; `reference` (..., channels, channels), with `running` (..., trials, channels, channels)
   * @throws EegTorchError `INVALID_OPTION` naming `calibration`
   */
  euclideanAlignment: (
    x: Tensor,
    options: { mode?: 'offline' | 'calibration' | 'running'; calibration?: number } = {},
  ): Operation<{ aligned: Tensor; reference: Tensor }> => {
    const { mode = options.calibration === undefined ? 'offline' : 'calibration', calibration = 0 } = options
    if (calibration !== 0 && mode !== 'calibration') {
      throw new EegTorchError('INVALID_OPTION', `${mode} alignment has no calibration trials`, {
        option: 'calibration',
        received: String(calibration),
      })
    }
    return {
      operator: 'euclidean_alignment',
      given: { x, mode, calibration },
      finish: ([aligned, reference]: [Tensor, Tensor]) => ({ aligned, reference }),
    }
  },
}
