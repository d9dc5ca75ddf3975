import { EegTorchError } from '../../errors.ts'
import type { PredictionType } from './config.ts'
import { Ddim, type DdimConfig } from './ddim.ts'
import { Ddpm, type DdpmConfig } from './ddpm.ts'
import { DpmSolver, type DpmSolverConfig } from './dpm-solver.ts'
import { Euler, type EulerConfig } from './euler.ts'
import { MaskedTokens, type MaskedTokensConfig } from './masked-tokens.ts'
import type { NoiseSchedule } from './noise-schedule.ts'
import { Pndm, type PndmConfig } from './pndm.ts'
import type { Sampling } from './sampling.ts'
import { Unipc, type UnipcConfig } from './unipc.ts'

/** How noise is added in training and taken away in sampling. */
export interface Scheduler {
  readonly schedule: NoiseSchedule
  /** Its options; all that others need to know is what the network predicts. */
  readonly config: { readonly predictionType: PredictionType }
  /** Begins a run. @throws EegTorchError `INVALID_OPTION` for more steps than timesteps of training */
  steps(count: number): Sampling
}

/** Schedulers of diffusion models. Options have the names and defaults of diffusers' classes, and its `scheduler_config.json` can be given as it is. */
export const schedulers = {
  ddpm: (config?: DdpmConfig) => new Ddpm(config),
  ddim: (config?: DdimConfig) => new Ddim(config),
  pndm: (config?: PndmConfig) => new Pndm(config),
  euler: (config?: EulerConfig) => new Euler(config),
  eulerAncestral: (config?: Omit<EulerConfig, 'ancestral' | 'sChurn'>) => new Euler({ ...config, ancestral: true }),
  dpmSolver: (config?: DpmSolverConfig) => new DpmSolver(config),
  unipc: (config?: UnipcConfig) => new Unipc(config),
  maskedTokens: (config: MaskedTokensConfig) => new MaskedTokens(config),
}

const CLASSES: Readonly<Record<string, (config: object) => Scheduler>> = {
  DDPMScheduler: schedulers.ddpm,
  DDIMScheduler: schedulers.ddim,
  PNDMScheduler: schedulers.pndm,
  EulerDiscreteScheduler: schedulers.euler,
  EulerAncestralDiscreteScheduler: schedulers.eulerAncestral,
  DPMSolverMultistepScheduler: schedulers.dpmSolver,
  UniPCMultistepScheduler: schedulers.unipc,
}

/**
 * The scheduler that a `scheduler_config.json` describes, or another one that reads its fields, as diffusers' `from_config`.
 *
 * @param config its content
 * @param name diffusers' class; default: the file's `_class_name`
 * @throws EegTorchError `UNKNOWN_NAME` for a class that is not there, `INVALID_OPTION` naming a field
 */
export function schedulerFromConfig(config: Record<string, unknown>, name = String(config._class_name)): Scheduler {
  const make = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined
  if (make !== undefined) return make(config)
  throw new EegTorchError('UNKNOWN_NAME', 'there is no such scheduler', {
    option: '_class_name',
    expected: Object.keys(CLASSES).join(', '),
    received: name,
  })
}
