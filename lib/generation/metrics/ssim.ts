import { tensor } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import { scope } from '../../memory.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { checkPictures, numbersOf } from './picture-batch.ts'

/** How {@link ssim} looks at pictures; the defaults are scikit-image's. */
export interface SsimOptions {
  /** `uniform`: squares of `size` pixels. `gaussian`: weights that fall off, cut at 3.5 deviations. */
  window?: 'uniform' | 'gaussian'
  /** Side of the square window, an odd number of pixels. Default 7. */
  size?: number
  /** Deviation of the Gaussian window in pixels. Default 1.5: a window of 11 x 11. */
  sigma?: number
  /** Whether variances have one less than the pixels of the window in the denominator. Default true. */
  sampleCovariance?: boolean
  /** Largest value less smallest. Default 1. */
  dataRange?: number
  /** Whether brightness alone is compared (0.2125 red + 0.7154 green + 0.0721 blue). Default false: the mean over the colours. */
  grey?: boolean
}

/** As papers on pictures from brain signals report it (MindEye, ATM): Wang's Gaussian window over grey pictures. */
export const PAPER_SSIM: SsimOptions = { window: 'gaussian', sampleCovariance: false, grey: true }

const [K1, K2, GAUSSIAN_CUT] = [0.01, 0.03, 3.5]
const BRIGHTNESS = [0.2125, 0.7154, 0.0721]

/**
 * Structural similarity (Wang et al. 2004, IEEE Trans. Image Process. 13, 600) of each picture and its counterpart, 1 for equal ones: the numbers of
 * scikit-image's `structural_similarity`, in float64.
 *
 * @param real (pictures, height, width, 3)
 * @param made of the same shape
 * @throws EegTorchError `SHAPE_MISMATCH` also for pictures smaller than the window, `INVALID_OPTION`
 */
export async function ssim(real: Tensor, made: Tensor, options: SsimOptions = {}): Promise<number[]> {
  checkPictures(real, made)
  const { sampleCovariance = true, dataRange = 1, grey = false } = options
  const weights = windowWeights(options)
  requireRoom(real, weights.length)
  const pixels = weights.length ** 2
  const correction = sampleCovariance ? pixels / (pixels - 1) : 1
  const each: number[] = []
  // One picture at a time: five maps of all of them would be large.
  for (let i = 0; i < real.shape[0]!; i++) {
    using a = planes(real, i, grey)
    using b = planes(made, i, grey)
    using means = await windowMeans(a, b, weights)
    using similar = scope(() => similarity(means, correction, dataRange))
    each.push(...numbersOf(similar))
  }
  return each
}

/** Picture `index` of (pictures, height, width, 3) -> (colours, 1, height, width) in float64 */
function planes(pictures: Tensor, index: number, grey: boolean): Tensor {
  return scope(() => {
    const colours = pictures.narrow(0, index, 1).detach().permute([3, 0, 1, 2]).to('float64').contiguous()
    if (!grey) return colours
    const shares = tensor(Float64Array.from(BRIGHTNESS), { shape: [3, 1, 1, 1] }).to(colours.device)
    return colours.mul(shares).sum([0], { keepdim: true })
  })
}

/** Means over windows of a, b, a², b² and ab, where the whole window lies inside: (5, colours, rows, columns) */
async function windowMeans(a: Tensor, b: Tensor, weights: readonly number[]): Promise<Tensor> {
  const length = weights.length
  const { mul, cat, conv2d } = asyncOps.aten
  using aa = await mul(a, a)
  using bb = await mul(b, b)
  using ab = await mul(a, b)
  using maps = await cat([a, b, aa, bb, ab])
  const kernel = (shape: number[]) => scope(() => tensor(Float64Array.from(weights), { shape }).to(a.device))
  using down = kernel([1, 1, length, 1])
  using across = kernel([1, 1, 1, length])
  using along = await conv2d(maps, down)
  using means = await conv2d(along, across)
  return scope(() => means.unflatten(0, [5, a.shape[0]!]).squeeze(2))
}

/** The mean over the picture and its colours, (1). */
function similarity(means: Tensor, correction: number, dataRange: number): Tensor {
  const [a, b, aa, bb, ab] = means.unbind(0) as [Tensor, Tensor, Tensor, Tensor, Tensor]
  const [c1, c2] = [(K1 * dataRange) ** 2, (K2 * dataRange) ** 2]
  const product = a.mul(b)
  const squares = a.square().add(b.square())
  const covariance = ab.sub(product).mul(correction)
  const variances = aa.add(bb).sub(squares).mul(correction)
  const above = product.mul(2).add(c1).mul(covariance.mul(2).add(c2))
  const below = squares.add(c1).mul(variances.add(c2))
  return above.div(below).mean().reshape([1])
}

function windowWeights({ window = 'uniform', size = 7, sigma = 1.5 }: SsimOptions): number[] {
  if (window === 'uniform') {
    if (!Number.isSafeInteger(size) || size < 3 || size % 2 === 0) {
      throw wrong('size', 'an odd number of pixels, 3 at least', size)
    }
    return new Array<number>(size).fill(1 / size)
  }
  if (!(sigma > 0 && sigma <= 1000)) throw wrong('sigma', 'pixels above 0', sigma)
  const radius = Math.floor(GAUSSIAN_CUT * sigma + 0.5)
  const bell = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2))
  const total = bell.reduce((a, b) => a + b, 0)
  return bell.map((weight) => weight / total)
}

function requireRoom({ shape }: Tensor, length: number): void {
  if (Math.min(shape[1]!, shape[2]!) >= length) return
  throw new EegTorchError('SHAPE_MISMATCH', 'the pictures are smaller than the window of ssim', {
    expected: `${length} x ${length} pixels at least`,
    received: `${shape[2]} x ${shape[1]}`,
  })
}

function wrong(option: string, expected: string, received: number): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `${option} of ssim is not usable`, {
    option,
    expected,
    received: String(received),
  })
}
