import type { TensorRequest, TensorSource } from '../checkpoints/tensor-file.ts'
import { EegTorchError } from '../errors.ts'
import type { Model, ModelPlacement } from './model.ts'
import { nativeModels, type WeightsPart } from './native-models.ts'

/** How far the loading of weights has come. */
export interface LoadProgress {
  /** The checkpoint. */
  file: string
  /** Bytes of it that are loaded, and in all. */
  done: number
  total: number
}

/** Where weights go, and how. */
export interface LoadWeightsOptions extends ModelPlacement {
  /**
   * Read all bytes into memory of their own. Else (default) tensors of 64 KiB or more that need no conversion are mapped: read when first
   * touched, shared between processes, copied where training writes to them, and never written back. A mapped file must not be shortened in
   * place while the model lives; replacing it by renaming, as every writer of eegtorch does, is harmless.
   */
  copy?: boolean
  onProgress?: ((progress: LoadProgress) => void) | undefined
  /** Stops the loading between two pieces: `CANCELLED`. */
  signal?: AbortSignal | undefined
}

/** Between two reports; what a conversion may take besides the weights is one tensor. */
const PIECE_BYTES = 64 * 2 ** 20

/**
 * Gives a network the tensors of a checkpoint, on the compute thread: mapped where dtype and device agree, else converted one by one, so that memory
 * holds little more than the weights once. Nothing is loaded unless everything fits.
 *
 * @param names the checkpoint's names, to the network's
 * @param options `kept` are tensors of the network that may be in no file, such as a new adapter; they are placed as the others
 * @throws EegTorchError `CHECKPOINT_MISMATCH`, `DEVICE_MISMATCH`, `DTYPE_MISMATCH`, `FILE_TRUNCATED`, `CANCELLED`
 */
export async function loadWeights(
  model: Model,
  source: TensorSource,
  names: ReadonlyMap<string, string>,
  {
    device,
    dtype,
    copy = false,
    kept = [],
    onProgress,
    signal,
  }: LoadWeightsOptions & { kept?: readonly string[] } = {},
): Promise<void> {
  const stop = () => {
    if (signal?.aborted) throw new EegTorchError('CANCELLED', 'the loading was stopped', { file: source.path })
  }
  stop()
  const requests = await source.requests([...names.keys()])
  const parts = requests.map((request) => partOf(request, names))
  const weights = await nativeModels.openWeights(model.id, parts, device ?? null, dtype ?? null, copy, kept)
  try {
    for (let [done, total] = [0, -1]; done !== total; ) {
      stop()
      ;[done, total] = await nativeModels.loadWeights(weights, model.id, PIECE_BYTES)
      onProgress?.({ file: source.path, done, total })
    }
  } finally {
    nativeModels.removeObject(weights)
  }
}

function partOf(
  { names: stored, path, size, ranges, views }: TensorRequest,
  names: ReadonlyMap<string, string>,
): WeightsPart {
  return [stored.map((name) => names.get(name)!), path, size, ranges, views]
}
