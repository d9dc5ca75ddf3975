import type { Device } from '../dtype.ts'
import { EegTorchError } from '../errors.ts'

/** Which of several processes this is, and where they meet. */
export interface ProcessPlace {
  /** Number of this process, from 0. */
  rank: number
  /** Number of processes. */
  worldSize: number
  /** Number of this process on its machine. */
  localRank: number
  /** Where process 0 listens. */
  host: string
  port: number
  /** Keys in the store that `torchrun` itself serves there. */
  prefix?: string
}

const DEFAULT_PORT = 29500
/** Slurm's jobs share machines: each gets a port of its own. */
const [SLURM_FIRST_PORT, SLURM_PORTS] = [15_000, 20_000]

/**
 * Reads the variables that `eegtorch launch` and `torchrun` set (`RANK`, `WORLD_SIZE`, `LOCAL_RANK`, `MASTER_ADDR`, `MASTER_PORT`), else those of
 * Slurm's `srun` (`SLURM_PROCID`, `SLURM_NTASKS`, `SLURM_LOCALID`, `SLURM_NODELIST`).
 *
 * @returns undefined where neither has started this process
 * @throws EegTorchError `INVALID_OPTION` for a variable that is missing or no usable number
 */
export function readProcessPlace(environment: NodeJS.ProcessEnv = process.env): ProcessPlace | undefined {
  const { RANK, SLURM_PROCID, MASTER_ADDR } = environment
  if (RANK !== undefined) {
    return checked({
      ...numbers(environment, { rank: 'RANK', worldSize: 'WORLD_SIZE', localRank: 'LOCAL_RANK' }),
      host: MASTER_ADDR ?? '127.0.0.1',
      port: whole(environment, 'MASTER_PORT', DEFAULT_PORT),
      ...torchrunStore(environment),
    })
  }
  if (SLURM_PROCID === undefined || environment.SLURM_NTASKS === undefined) return undefined
  const job = whole(environment, 'SLURM_JOB_ID', 0)
  return checked({
    ...numbers(environment, { rank: 'SLURM_PROCID', worldSize: 'SLURM_NTASKS', localRank: 'SLURM_LOCALID' }),
    host: MASTER_ADDR ?? firstNode(environment.SLURM_STEP_NODELIST ?? environment.SLURM_NODELIST),
    port: whole(environment, 'MASTER_PORT', SLURM_FIRST_PORT + (job % SLURM_PORTS)),
  })
}

/**
 * Where this process computes, when several share the work: `cuda` is the GPU of its number on the machine.
 *
 * @throws EegTorchError `INVALID_OPTION` where the machine has fewer GPUs than processes
 */
export function deviceOfProcess(device: Device, { localRank }: { localRank: number }, gpus: number): Device {
  if (device !== 'cuda') return device
  if (localRank < gpus) return `cuda:${localRank}`
  throw new EegTorchError('INVALID_OPTION', 'each process needs a GPU of its own', {
    option: 'device',
    expected: `at most ${gpus} processes on this machine`,
    received: `process ${localRank + 1}`,
  })
}

/** The first of `node[01-04,07],gpu3`: node01. */
export function firstNode(list = '127.0.0.1'): string {
  const [, before = '', bracket, after = ''] = list.match(/^([^,[]*)(?:\[([^\]]*)\])?([^,]*)/) ?? []
  return `${before}${bracket?.split(/[-,]/)[0] ?? ''}${after}`
}

function torchrunStore({ TORCHELASTIC_USE_AGENT_STORE, TORCHELASTIC_RESTART_COUNT }: NodeJS.ProcessEnv) {
  if (TORCHELASTIC_USE_AGENT_STORE !== 'True') return {}
  return { prefix: `eegtorch/attempt-${TORCHELASTIC_RESTART_COUNT ?? 0}` }
}

function numbers<Key extends string>(environment: NodeJS.ProcessEnv, names: Record<Key, string>): Record<Key, number> {
  const fallback = (name: string) => (name === 'LOCAL_RANK' || name === 'SLURM_LOCALID' ? 0 : undefined)
  const read = ([key, name]: [string, unknown]) => [key, whole(environment, String(name), fallback(String(name)))]
  return Object.fromEntries(Object.entries(names).map(read)) as Record<Key, number>
}

function whole(environment: NodeJS.ProcessEnv, name: string, fallback?: number): number {
  const text = environment[name]
  const value = text === undefined ? fallback : /^\d{1,9}$/.test(text) ? Number(text) : undefined
  if (value !== undefined) return value
  throw new EegTorchError('INVALID_OPTION', `the variable ${name} is not usable`, {
    option: name,
    expected: 'a whole number, 0 or more',
    received: text ?? 'nothing',
  })
}

function checked(place: ProcessPlace): ProcessPlace {
  const { rank, worldSize } = place
  if (rank < worldSize) return place
  throw new EegTorchError('INVALID_OPTION', 'the number of this process is out of range', {
    option: 'RANK',
    expected: `0 to ${worldSize - 1}, for ${worldSize} processes`,
    received: String(rank),
  })
}
