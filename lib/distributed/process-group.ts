import { fromTypedArray, zeros } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import { nativeDistributed as native } from './native.ts'
import { type ProcessPlace, readProcessPlace } from './process-place.ts'

/** How {@link initProcessGroup} connects processes. */
export interface ProcessGroupOptions {
  /** `gloo` carries CPU tensors over TCP; `nccl` carries CUDA tensors, and Gloo those on the CPU. Default `gloo`. */
  backend?: 'gloo' | 'nccl'
  /** Seconds that a process waits for the others, at the start and in every exchange. Default 600. */
  timeout?: number
  /** In place of what the environment says. */
  place?: ProcessPlace
}

/** How {@link ProcessGroup.allReduce} puts tensors together. */
export type Reduction = 'sum' | 'mean' | 'min' | 'max'

const registry = new FinalizationRegistry<number>((id) => native.releaseProcessGroup(id))

/**
 * Processes that work together. Every process makes the same calls in the same order, training steps included; a call that another process does not
 * make ends with `PROCESS_LOST` after the group's timeout, and so does every call, at once, when a process has died.
 */
export class ProcessGroup implements Disposable {
  /** Number of this process, from 0. Process 0 writes files and prints. */
  readonly rank: number
  /** Number of processes. */
  readonly worldSize: number
  /** Number of this process on its machine. */
  readonly localRank: number
  #id: number

  /** @internal use {@link initProcessGroup} */
  constructor(id: number, { rank, worldSize, localRank }: ProcessPlace) {
    this.#id = id
    this.rank = rank
    this.worldSize = worldSize
    this.localRank = localRank
    registry.register(this, id, this)
  }

  /** @internal the addon's number for it */
  get id(): number {
    return this.#id
  }

  /**
   * Puts the tensors of all processes together, in place: afterwards each has the result. They are of one shape and dtype.
   *
   * @throws EegTorchError `SHAPE_MISMATCH`, in every process, when the processes give different tensors; `DTYPE_MISMATCH`; `PROCESS_LOST`
   */
  async allReduce(tensor: Tensor, reduction: Reduction = 'sum'): Promise<void> {
    await native.allReduce(this.#id, tensor.id, reduction)
  }

  /**
   * Makes a tensor, in place, what it is in process `root`.
   *
   * @throws EegTorchError `SHAPE_MISMATCH`, `INVALID_OPTION`, `PROCESS_LOST`
   */
  async broadcast(tensor: Tensor, root = 0): Promise<void> {
    await native.broadcast(this.#id, tensor.id, root)
  }

  /**
   * The tensors of all processes, in their order.
   *
   * @throws EegTorchError `SHAPE_MISMATCH`, `PROCESS_LOST`
   */
  async allGather(tensor: Tensor): Promise<Tensor[]> {
    return (await native.allGather(this.#id, tensor.id)).map((id) => new Tensor(id))
  }

  /**
   * Returns when every process has called it.
   *
   * @throws EegTorchError `PROCESS_LOST`
   */
  async barrier(): Promise<void> {
    await native.barrier(this.#id)
  }

  /**
   * A value of process `root`, in all processes: whatever JSON can say.
   *
   * @throws EegTorchError `PROCESS_LOST`
   */
  async broadcastValue<T>(value: T, root = 0): Promise<T> {
    const own = this.rank === root ? new TextEncoder().encode(JSON.stringify(value)) : undefined
    using length = fromTypedArray(BigInt64Array.of(BigInt(own?.length ?? 0)))
    await this.broadcast(length, root)
    using bytes = own ? fromTypedArray(own) : zeros([Number(length.item())], { dtype: 'uint8' })
    await this.broadcast(bytes, root)
    return JSON.parse(new TextDecoder().decode(bytes.toTypedArray() as Uint8Array)) as T
  }

  /** Whether something is true in any process. */
  async anyOf(condition: boolean): Promise<boolean> {
    using flag = fromTypedArray(Int32Array.of(Number(condition)))
    await this.allReduce(flag, 'max')
    return Number(flag.item()) > 0
  }

  dispose(): void {
    if (this.#id < 0) return
    native.releaseProcessGroup(this.#id)
    registry.unregister(this)
    this.#id = -1
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/**
 * Connects this process with the others that `eegtorch launch`, `torchrun` or Slurm has started, over LibTorch's c10d. Returns when all have come.
 *
 * @throws EegTorchError `INVALID_OPTION` when this process was started alone; `PROCESS_LOST` when the others do not come in time
 */
export async function initProcessGroup(options: ProcessGroupOptions = {}): Promise<ProcessGroup> {
  const { backend = 'gloo', timeout = 600, place = readProcessPlace() } = options
  if (place === undefined) throw startedAlone()
  const { rank, worldSize, host, port, prefix = null } = place
  const described = { rank, world_size: worldSize, host, port, prefix }
  return new ProcessGroup(await native.createProcessGroup({ backend, timeout, ...described }), place)
}

function startedAlone(): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'this process was started alone', {
    option: 'RANK',
    expected: 'the variables RANK and WORLD_SIZE: start with eegtorch launch --nproc N, torchrun or srun',
    received: 'none',
  })
}
