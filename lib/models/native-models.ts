import type { TensorRequest } from '../checkpoints/tensor-file.ts'
import { nativeFunctions, type TensorId } from '../native.ts'

/** One option of a model, as C++ describes it. Names are the reference's. */
export interface NativeField {
  name: string
  /** `integer`, `number`, `boolean`, `string`, `'mean' | 'max'`, with `[]`, ` | null`, ` | 'auto'`. */
  type: string
  doc: string
  default: unknown
}

export interface NativeModelDescription {
  name: string
  citation: string
  /** `name?` may be absent; `name_*?` stands for as many as the config says. */
  inputs: string[]
  /** `logits?` comes with some configs only; `eeg_*` stands for `eeg_0`, `eeg_1`, … as the config says. */
  outputs: string[]
  fields: NativeField[]
}

/** A file's part of the weights: names in the network, and the tensors in the same order. */
export type WeightsPart = [
  names: string[],
  path: string,
  size: number,
  ranges: TensorRequest['ranges'],
  views: TensorRequest['views'],
]

/** A model's number in the addon. */
export type ModelId = number

interface NamedIds {
  names: string[]
  ids: TensorId[]
}

interface NativeModels {
  models(): NativeModelDescription[]
  makeModel(name: string, config: Record<string, unknown>, budget?: number, draw?: boolean): ModelId
  modelConfig(id: ModelId): Record<string, unknown>
  /** Names in order; `name?` may be absent. */
  modelInputs(id: ModelId): string[]
  modelOutputs(id: ModelId): string[]
  modelParameters(id: ModelId): NamedIds
  modelBuffers(id: ModelId): NamedIds
  modelState(id: ModelId): NamedIds
  modelShapes(id: ModelId): { names: string[]; shapes: number[][] }
  modelTies(id: ModelId): Record<string, string>
  modelOlderNames(id: ModelId): Record<string, string>
  modelLoad(id: ModelId, names: string[], tensors: TensorId[]): void
  openWeights(
    id: ModelId,
    parts: WeightsPart[],
    device: string | null,
    dtype: string | null,
    copy: boolean,
    kept: readonly string[],
  ): Promise<number>
  loadWeights(weights: number, id: ModelId, bytes: number): Promise<[done: number, total: number]>
  modelRun(id: ModelId, inputs: (TensorId | null)[]): TensorId[]
  modelRunAsync(id: ModelId, inputs: (TensorId | null)[], cancellation?: number): Promise<TensorId[]>
  modelCall(id: ModelId, method: string, inputs: TensorId[]): TensorId[]
  modelCallAsync(id: ModelId, method: string, inputs: TensorId[], cancellation?: number): Promise<TensorId[]>
  modelTrain(id: ModelId, training: boolean): void
  modelSilenceDropout(id: ModelId): void
  modelIsTraining(id: ModelId): boolean
  modelMove(id: ModelId, device: string | null, dtype: string | null): void
  modelZeroGrad(id: ModelId): void
  removeObject(id: ModelId): boolean
}

/** The addon's functions for models; `binding/model.cpp` implements them. */
export const nativeModels: NativeModels = nativeFunctions<NativeModels>()
