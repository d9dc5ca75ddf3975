import { analytic } from './analytic.ts'
import { badChannels } from './bad-channels.ts'
import { covariance } from './covariance.ts'
import { decomposition } from './decomposition.ts'
import { epochs } from './epochs.ts'
import { designs, filters } from './filters.ts'
import { mneFilters } from './mne.ts'
import { type Asynchronous, asynchronous, type Synchronous, synchronous } from './operation.ts'
import { resampling } from './resampling.ts'
import { scaling } from './scaling.ts'
import { space } from './space.ts'
import { spectra } from './spectra.ts'

/** All families, one line each. */
const operations = {
  ...filters,
  ...mneFilters,
  ...resampling,
  ...scaling,
  ...analytic,
  ...spectra,
  ...space,
  ...badChannels,
  ...epochs,
  ...decomposition,
  ...covariance,
}

/** The operations on signals, as functions, and the designs of filters. */
export type Signal = typeof designs & Synchronous<typeof operations>

/** The operations on signals, as functions that give promises. */
export type AsyncSignal = Asynchronous<typeof operations>

/**
 * Signal processing on tensors, computed in C++: any leading dimensions, time last, float32 or float64, on any device. Each function
 * names what it equals; those named after a function of SciPy have its meaning, and those that begin with `mne` have MNE-Python's.
 * None has a gradient.
 *
 * Each throws EegTorchError `DTYPE_MISMATCH` for other dtypes, `SHAPE_MISMATCH` for tensors without a sample, `INVALID_OPTION` for
 * options that do not fit the signal.
 */
export const signal: Signal = { ...designs, ...synchronous(operations) }

/** The same as promises: they run on the compute thread, in the order of the calls, while the event loop goes on. */
export const asyncSignal: AsyncSignal & {
  /** Functions whose calls are rejected with `CANCELLED` when the signal is aborted before they begin. */
  until(signal: AbortSignal): AsyncSignal
} = { ...asynchronous(operations), until: (signal) => asynchronous(operations, signal) }
