import { EegTorchError } from '../../errors.ts'
import { scope } from '../../memory.ts'
import type { Tensor } from '../../tensor.ts'

/** Refuses what is no batch of pictures, or two that differ in shape. @throws EegTorchError `SHAPE_MISMATCH` */
export function checkPictures(real: Tensor, made: Tensor): void {
  const [, height = 0, width = 0, colours] = real.shape
  const isBatch = real.shape.length === 4 && colours === 3 && height > 0 && width > 0
  const alike = real.shape.length === made.shape.length && real.shape.every((size, i) => size === made.shape[i])
  if (isBatch && alike) return
  throw new EegTorchError('SHAPE_MISMATCH', 'the pictures cannot be compared', {
    expected: isBatch ? `(${real.shape.join(', ')}), as their counterparts` : '(pictures, height, width, 3)',
    received: `(${(isBatch ? made : real).shape.join(', ')})`,
  })
}

/** Refuses what is no table of numbers, or two that differ in shape. @throws EegTorchError `SHAPE_MISMATCH` */
export function checkFeatures(real: Tensor, made: Tensor): void {
  const alike = real.shape.length === 2 && real.shape.join() === made.shape.join()
  if (alike) return
  throw new EegTorchError('SHAPE_MISMATCH', 'the features cannot be compared', {
    expected: '(pictures, features) twice',
    received: `(${real.shape.join(', ')}) and (${made.shape.join(', ')})`,
  })
}

/** The numbers of a tensor of real ones. */
export function numbersOf(values: Tensor): number[] {
  const wide = () => values.detach().to({ device: 'cpu', dtype: 'float64' }).contiguous()
  return Array.from(scope(() => wide().toTypedArray() as Float64Array))
}
