import { freemem } from 'node:os'
import type { Device } from './dtype.ts'
import { native } from './native.ts'
import { Tensor } from './tensor.ts'

/** Seeds every default source of random numbers, as `torch.manual_seed`: the same seed gives PyTorch's numbers. */
export function manualSeed(seed: number | bigint): void {
  native.seed(seed)
}

/** The state of the CPU's default random source, to be given to {@link setRandomState} later. */
export function randomState(): Tensor<'uint8'> {
  return new Tensor(native.randomState())
}

/**
 * Goes on with a state that {@link randomState} gave.
 *
 * @throws EegTorchError `LIBTORCH` for what is no such state
 */
export function setRandomState(state: Tensor): void {
  native.setRandomState(state.id)
}

/** CPU threads that one operator may use. */
export function numThreads(): number {
  return native.threads()
}

/** Sets them, for calls from this thread and for the compute thread after its present work. */
export async function setNumThreads(count: number): Promise<void> {
  await native.setThreads(count)
}

/** Bytes of memory that a device has to give: for the CPU what the system calls available. */
export function freeMemory(device: Device): number {
  return device === 'cpu' ? freemem() : native.freeMemory(device)
}

/** The loaded LibTorch: release, the CPU instructions that it uses, and GPUs. */
export function libtorchVersion(): { built: string; cpu: string; cuda: boolean; devices: number } {
  return native.version()
}
