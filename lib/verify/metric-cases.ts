import { tensor } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import { preprocessImages, readPreprocessing } from '../generation/clip/preprocess.ts'
import { nWayTopK, twoWayIdentification } from '../generation/metrics/identification.ts'
import { mse, pixelCorrelation } from '../generation/metrics/pixels.ts'
import { type SsimOptions, ssim } from '../generation/metrics/ssim.ts'
import type { Picture } from '../generation/pictures/picture.ts'
import type { NamedTensors } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'

type Args = Readonly<Record<string, unknown>>
type MetricCase = (inputs: NamedTensors, args: Args) => Promise<NamedTensors>

/** What answers an `image_metric` case, by its `config.op`. Outputs have the case's names in camelCase. */
const operations: Readonly<Record<string, MetricCase>> = {
  mse: async ({ real, made }) => ({ mse: row(await mse(real!, made!)) }),
  ssim: async ({ real, made }, args) => ({ ssim: row(await ssim(real!, made!, ssimOptions(args))) }),
  pixcorr: async ({ real, made }) => ({ pixcorr: row(await pixelCorrelation(real!, made!)) }),
  two_way: async ({ real, made }) => {
    const { correlation, perImage, accuracy } = await twoWayIdentification(real!, made!)
    return {
      correlation: tensor(correlation, { dtype: 'float64' }),
      perImage: row(perImage),
      accuracy: single(accuracy),
    }
  },
  n_way_top_k: async ({ scores, labels, picks }, { k }) => {
    const { perImage, accuracy } = nWayTopK(
      scores!.toArray() as number[][],
      integers(labels!) as number[],
      integers(picks!) as number[][][],
      { k: k as number },
    )
    return { perImage: row(perImage), accuracy: single(accuracy) }
  },
  clip_preprocess: async ({ image }, { size }) => {
    const pixels = await preprocessImages(bytesOf(image!), readPreprocessing({ size, crop_size: size }))
    return { pixelValues: pixels.to('float64') }
  },
}

/** Name of the oracle's module of measures between pictures. */
export const METRIC = 'image_metric'

/** Measures that a case may name. */
export const metricOperations: readonly string[] = Object.keys(operations)

/**
 * Computes the measure that the config of an `image_metric` case names.
 *
 * @throws EegTorchError `UNKNOWN_NAME` for a measure that is not there
 */
export async function runMetric(config: Args, given: NamedTensors): Promise<NamedTensors> {
  const { op, args } = config as { op: string; args: Args }
  const operation = Object.hasOwn(operations, op) ? operations[op] : undefined
  const inputs = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value.detach()]))
  if (operation !== undefined) return operation(inputs, args)
  throw new EegTorchError('UNKNOWN_NAME', 'there is no such measure of pictures', {
    expected: metricOperations.join(', '),
    received: String(op),
  })
}

/** scikit-image's arguments in our words. */
function ssimOptions(args: Args): SsimOptions {
  return {
    grey: args.grey === true,
    window: args.gaussian_weights === true ? 'gaussian' : 'uniform',
    ...(args.sigma !== undefined && { sigma: args.sigma as number }),
    ...(args.win_size !== undefined && { size: args.win_size as number }),
    ...(args.use_sample_covariance !== undefined && { sampleCovariance: args.use_sample_covariance as boolean }),
    ...(args.data_range !== undefined && { dataRange: args.data_range as number }),
  }
}

/** (images, height, width, 3), uint8 */
function bytesOf(images: Tensor): Picture[] {
  const [count, height, width] = images.shape as [number, number, number]
  const bytes = images.contiguous().toTypedArray() as Uint8Array
  const each = 3 * height * width
  return Array.from({ length: count }, (_, i) => ({ width, height, pixels: bytes.slice(i * each, (i + 1) * each) }))
}

function row(values: readonly number[]): Tensor {
  return tensor(Float64Array.from(values))
}

function single(value: number): Tensor {
  return tensor(value, { dtype: 'float64' })
}

function integers(values: Tensor): unknown {
  return values.to('float64').toArray()
}
