import { scope } from '../../memory.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import { checkPictures, numbersOf } from './picture-batch.ts'

/**
 * Mean squared difference of each picture from its counterpart, in float64.
 *
 * @param real (pictures, height, width, 3)
 * @param made of the same shape
 * @throws EegTorchError `SHAPE_MISMATCH`
 */
export async function mse(real: Tensor, made: Tensor): Promise<number[]> {
  checkPictures(real, made)
  using a = real.to('float64')
  using b = made.to('float64')
  using difference = await asyncOps.aten.sub(a, b)
  using squared = await asyncOps.aten.mul(difference, difference)
  using each = await asyncOps.aten.mean(squared, [1, 2, 3])
  return numbersOf(each)
}

/**
 * Peak signal-to-noise ratio in decibels of pictures as {@link mse} takes them; infinite for equal ones.
 *
 * @param options.dataRange largest value less smallest, default 1
 * @throws EegTorchError `SHAPE_MISMATCH`
 */
export async function psnr(
  real: Tensor,
  made: Tensor,
  { dataRange = 1 }: { dataRange?: number } = {},
): Promise<number[]> {
  return (await mse(real, made)).map((error) => 10 * Math.log10(dataRange ** 2 / error))
}

/**
 * Pearson's correlation of all values of each picture with its counterpart's, as {@link mse} takes them; NaN where one has a single value.
 *
 * @throws EegTorchError `SHAPE_MISMATCH`
 */
export async function pixelCorrelation(real: Tensor, made: Tensor): Promise<number[]> {
  checkPictures(real, made)
  using realRows = real.flatten(1)
  using madeRows = made.flatten(1)
  using a = await standardisedRows(realRows)
  using b = await standardisedRows(madeRows)
  using products = await asyncOps.aten.mul(a, b)
  using each = await asyncOps.aten.sum(products, [1])
  return numbersOf(each)
}

/** Pearson's correlation of each row of one table with each of another. (rows, values), (columns, values) -> [rows][columns] */
export async function correlations(rows: Tensor, columns: Tensor): Promise<number[][]> {
  using a = await standardisedRows(rows)
  using b = await standardisedRows(columns)
  using turned = b.t()
  using products = await asyncOps.aten.matmul(a, turned)
  const flat = numbersOf(products)
  const width = columns.shape[0]!
  return Array.from({ length: rows.shape[0]! }, (_, i) => flat.slice(i * width, (i + 1) * width))
}

/** Rows less their mean, of length 1, in float64; NaN for a row of one value. (rows, values) */
async function standardisedRows(rows: Tensor): Promise<Tensor> {
  using values = scope(() => rows.detach().to('float64'))
  using middle = await asyncOps.aten.mean(values, [1], { keepdim: true })
  using centred = await asyncOps.aten.sub(values, middle)
  using squared = await asyncOps.aten.mul(centred, centred)
  using power = await asyncOps.aten.sum(squared, [1], { keepdim: true })
  using lengths = power.sqrt()
  return asyncOps.aten.div(centred, lengths)
}
