import type { z } from 'zod'
import { euclideanAlignment } from './alignment.ts'
import { drop, pick, rename, setTypes } from './channels.ts'
import { ica, ssp } from './components.ts'
import { currentSourceDensity, interpolate, markBad } from './electrodes.ts'
import { envelope, filter, notch } from './filters.ts'
import { heartbeats } from './heartbeats.ts'
import { bipolar, reference } from './reference.ts'
import { rejectPeakToPeak } from './rejection.ts'
import { resample } from './resampling.ts'
import { detrend, movingStandardise, rectify, scale, unit, zscore } from './scaling.ts'
import { crop } from './time.ts'
import { upsample, windows } from './windows.ts'

/** Every kind of step by its name. */
export const steps = {
  pick,
  drop,
  rename,
  setTypes,
  unit,
  scale,
  reference,
  bipolar,
  markBad,
  interpolate,
  currentSourceDensity,
  ica,
  ssp,
  filter,
  notch,
  resample,
  detrend,
  rectify,
  envelope,
  crop,
  heartbeats,
  windows,
  upsample,
  rejectPeakToPeak,
  zscore,
  euclideanAlignment,
  movingStandardise,
} as const

type Steps = typeof steps
/** A registered step of preprocessing. */
export type StepName = keyof Steps

type ShortOf<Step> = Step extends { short?: infer Short } ? (Short extends z.ZodType ? z.input<Short> : never) : never

type Immutable<T> = { readonly [K in keyof T]: Immutable<T[K]> }

/** A step as a person writes it: `{ filter: [4, 38] }`, `{ filter: { band: [4, 38], order: 5 } }`, or its name alone where nothing must be said. */
export type StepSource =
  | StepName
  | {
      [Name in StepName]: { readonly [K in Name]: Immutable<z.input<Steps[Name]['schema']> | ShortOf<Steps[Name]>> }
    }[StepName]
