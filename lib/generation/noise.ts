import { noGrad } from '../autograd.ts'
import { cat, randn } from '../creation.ts'
import type { Device, DType } from '../dtype.ts'
import { Generator } from '../generator.ts'
import { scope } from '../memory.ts'
import { Random } from '../random.ts'
import type { Tensor } from '../tensor.ts'

/**
 * A source of random numbers for each picture, on the CPU. It depends on the seed and on the picture's own number, so that neither the size of
 * a batch, nor where a run was taken up again, nor the device changes what is drawn.
 */
export function pictureGenerators(seed: number, numbers: readonly number[]): Generator[] {
  return numbers.map((number) => {
    const random = new Random(seed, number)
    return new Generator(BigInt(random.uint32()) * 2n ** 21n + BigInt(random.uint32() >>> 11))
  })
}

/**
 * Normal numbers, each picture's from its own source.
 *
 * @param shape of one picture's
 * @returns (pictures, ...shape)
 */
export function drawNoise(
  generators: readonly Generator[],
  shape: readonly number[],
  { device, dtype }: { device: Device; dtype: DType },
): Tensor {
  return noGrad(() =>
    scope(() => {
      const rows = generators.map((generator) => randn([1, ...shape], { generator }) as Tensor)
      return cat(rows, 0).to(device).to(dtype)
    }),
  )
}
