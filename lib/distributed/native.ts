import { nativeFunctions, type TensorId } from '../native.ts'

/** What `binding/distributed.cpp` exports. */
export interface NativeDistributed {
  createProcessGroup(options: unknown): Promise<number>
  releaseProcessGroup(group: number): boolean
  allReduce(group: number, tensor: TensorId, reduction: string): Promise<void>
  broadcast(group: number, tensor: TensorId, root: number): Promise<void>
  allGather(group: number, tensor: TensorId): Promise<TensorId[]>
  barrier(group: number): Promise<void>
}

export const nativeDistributed: NativeDistributed = nativeFunctions<NativeDistributed>()
