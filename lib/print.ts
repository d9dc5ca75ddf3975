import { isFloatingPoint } from './dtype.ts'
import type { Tensor } from './tensor.ts'
export function printTensor(tensor: Tensor): string {
  return String(isFloatingPoint(tensor.dtype))
}
