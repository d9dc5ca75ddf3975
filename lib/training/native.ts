import { nativeFunctions, type TensorId } from '../native.ts'

/** A tensor of a network or of its training, by name. */
export type NamedId = [name: string, tensor: TensorId]

/** Fields of a C++ config, as `scripts/generate.mjs` reads them. */
export interface NativeField {
  name: string
  type: string
  default: unknown
  doc: string
}

/** What `binding/trainer.cpp` exports. */
export interface NativeTraining {
  createTrainStep(model: number, loss: unknown, optimizer: unknown, options: unknown, group: number | null): number
  releaseTrainStep(step: number): boolean
  runTrainStep(
    step: number,
    inputs: TensorId[],
    targets: TensorId[],
    rateFactor: number,
  ): Promise<{ loss: number; gradNorm: number; skipped: boolean; correct: number | null; count: number; mass: number }>
  evaluateTrainStep(
    step: number,
    inputs: TensorId[],
    targets: TensorId[],
  ): Promise<{ outputs: TensorId[]; loss: number | null; correct: number | null; count: number; mass: number }>
  snapshotTrainStep(step: number): Promise<{ model: NamedId[]; training: NamedId[] }>
  restoreTrainStep(step: number, model: NamedId[], training: NamedId[] | null): Promise<void>
  synchroniseTrainStep(step: number): Promise<void>
  reductionFigures(step: number): Promise<Record<string, number | bigint>>
  /** `binding/store.cpp`: places and checksums of the records, and the class of each window. */
  openWindowFile(
    path: string,
    fileSize: number,
    type: string,
    channels: number,
    samples: number,
    offsets: Float64Array,
    checksums: Uint32Array,
    labels: Int32Array,
  ): number
  startLoader(
    file: number,
    rows: Int32Array,
    ends: Int32Array,
    options: { threads: number; depth: number; pinned: boolean; mean?: Float64Array; factor?: Float64Array },
  ): number
  nextBatch(loader: number): Promise<[inputs: TensorId, targets: TensorId]>
  gatherRows(tensors: TensorId[], indices: TensorId): Promise<TensorId[]>
  augmentBatch(
    augmentations: unknown,
    inputs: TensorId[],
    targets: TensorId[],
    seed: number | null,
  ): Promise<{ inputs: TensorId[]; targets: TensorId[] }>
  applyAugmentation(augmentation: unknown, inputs: TensorId, draws: TensorId[]): TensorId
  describeTraining(): Record<
    'objectives' | 'optimizers' | 'augmentations',
    { name: string; doc: string; fields: NativeField[] }[]
  > & {
    step: NativeField[]
  }
}

export const nativeTraining: NativeTraining = nativeFunctions<NativeTraining>()
