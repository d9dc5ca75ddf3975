import { arange } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import type { Model } from '../models/model.ts'
import { Module } from '../nn/module.ts'
import { ops } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { type FitOptions, type FitResult, fit as train } from '../training/fit.ts'
import { losses } from '../training/losses.ts'
import { loss } from '../training/options.ts'
import type { TensorSet } from '../training/tensor-set.ts'
import { runInBatches } from './run-in-batches.ts'

/** How to align EEG with images. */
export interface AlignmentOptions extends Omit<FitOptions, 'loss'> {
  /** Divides cosine similarities; default 0.07 (Radford et al. 2021, arXiv 2103.00020, where it starts). */
  temperature?: number
  /**
   * What each window is contrasted with. `all`, the default: the embeddings of all images. `batch`: those of the batch, in both directions, for
   * sets of many images, each seen once in a batch or so.
   */
  candidates?: 'all' | 'batch'
}

/** Where the right image stood when all were sorted by their similarity to the EEG. */
export interface Retrieval {
  /** Of each window, from 1. */
  ranks: number[]
  /** Share of windows whose image came first, and among the first five; chance is 1 / images and 5 / images. */
  top1: number
  top5: number
  images: number
}

class AlignmentTask extends Module {
  readonly encoder: Model<'sgdm_eeg_encoder'>
  readonly #embeddings: Tensor
  readonly #options: { temperature: number; candidates: 'all' | 'batch' }

  constructor(
    encoder: Model<'sgdm_eeg_encoder'>,
    embeddings: Tensor,
    options: { temperature: number; candidates: 'all' | 'batch' },
  ) {
    super()
    this.encoder = encoder
    this.#embeddings = embeddings
    this.#options = options
  }

  /** eeg (batch, channels, samples), images (batch): rows of the embeddings, int64. Gives the loss and the similarity to every image. */
  override forward(eeg: Tensor, images: Tensor): Tensor[] {
    const latent = this.encoder.forward(eeg)
    const { temperature, candidates } = this.#options
    const similarity = cosines(latent, this.#embeddings)
    if (candidates === 'all') return [losses.infoNce(latent, this.#embeddings, images, { temperature }), similarity]
    const own = this.#embeddings.index_select(0, images)
    const places = arange(0, eeg.shape[0]!, 1, { dtype: 'int64', device: eeg.device }) as Tensor
    const [toImages, toEeg] = [
      losses.infoNce(latent, own, places, { temperature }),
      losses.infoNce(own, latent, places, { temperature }),
    ]
    return [toImages.add(toEeg).div(2), similarity]
  }
}

/**
 * Trains an EEG encoder so that what it gives for a window is nearer to the embedding of the image that was seen than to those of others.
 *
 * @param eeg inputs (windows, channels, samples), targets the image of each window: a row of `embeddings`, int64
 * @param embeddings (images, latentDim)
 * @throws EegTorchError as `fit`; `SHAPE_MISMATCH`
 */
export function fitAlignment(
  encoder: Model<'sgdm_eeg_encoder'>,
  eeg: TensorSet,
  embeddings: Tensor,
  { temperature = 0.07, candidates = 'all', ...options }: AlignmentOptions,
): Promise<FitResult> {
  requireWidth(encoder, embeddings)
  const { device = embeddings.device } = options
  const task = new AlignmentTask(encoder, embeddings.to(device), { temperature, candidates })
  return train(task, eeg, { ...options, loss: loss.output() })
}

/**
 * Sorts all images by their similarity to each window.
 *
 * @param eeg inputs (windows, channels, samples), targets the image of each window: a row of `embeddings`, int64
 * @param embeddings (images, latentDim)
 * @throws EegTorchError `SHAPE_MISMATCH` for embeddings of another width than the encoder's, and as the encoder's forward
 */
export async function retrieveImages(
  encoder: Model<'sgdm_eeg_encoder'>,
  { inputs, targets }: TensorSet,
  embeddings: Tensor,
): Promise<Retrieval> {
  requireWidth(encoder, embeddings)
  const latent = await runInBatches([inputs], encoder)
  const similarity = cosines(latent, embeddings)
  const right = similarity.gather(1, targets.unsqueeze(1))
  const ranks = Array.from(similarity.gt(right).sum([1]).add(1).toTypedArray() as BigInt64Array, Number)
  const share = (limit: number) => ranks.filter((rank) => rank <= limit).length / ranks.length
  return { ranks, top1: share(1), top5: share(5), images: embeddings.shape[0]! }
}

/** Cosine similarities of rows: (a, dim), (b, dim) -> (a, b). */
function cosines(a: Tensor, b: Tensor): Tensor {
  const unit = (x: Tensor) => x.div(ops.aten.linalg_vector_norm(x, 2, [1], true).clamp_min(1e-12))
  return unit(a).matmul(unit(b).t())
}

function requireWidth(encoder: Model<'sgdm_eeg_encoder'>, embeddings: Tensor): void {
  const width = encoder.config.latentDim
  if (embeddings.shape.length === 2 && embeddings.shape[1] === width) return
  throw new EegTorchError('SHAPE_MISMATCH', 'the embeddings do not fit what the encoder gives', {
    expected: `(images, ${width}): latentDim of the encoder`,
    received: `(${embeddings.shape.join(', ')})`,
  })
}
