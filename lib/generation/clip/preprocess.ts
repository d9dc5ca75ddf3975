import { z } from 'zod'
import { fromTypedArray } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import type { Tensor } from '../../tensor.ts'
import type { Picture } from '../pictures/picture.ts'
import { resizeBicubic } from './pil-resize.ts'

/** Bicubic, in Pillow's numbering of filters. */
const BICUBIC = 3
const RGB = 3

const side = z.number().int().min(1).max(16384)
const edge = z.union([side, z.looseObject({ shortest_edge: side }).transform(({ shortest_edge }) => shortest_edge)])
const square = z.looseObject({ height: side, width: side }).refine(({ height, width }) => height === width, 'a square')
const three = z.tuple([z.number(), z.number(), z.number()])
const schema = z.looseObject({
  size: edge.default(224),
  crop_size: z.union([side, square.transform(({ height }) => height)]).default(224),
  resample: z.literal(BICUBIC).default(BICUBIC),
  image_mean: three.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: three
    .refine((std) => std.every((value) => value > 0), 'positive')
    .default([0.26862954, 0.26130258, 0.27577711]),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_resize: z.literal(true).default(true),
  do_center_crop: z.literal(true).default(true),
  do_rescale: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
})

/** How images become inputs of a CLIP network, as a `preprocessor_config.json` says; every field may be left out. */
export type ClipPreprocessing = z.output<typeof schema>

/** @throws EegTorchError `FILE_INVALID` for fields that do not hold, and for steps that CLIP's own processor always takes but the file leaves out */
export function readPreprocessing(config: unknown, file?: string): ClipPreprocessing {
  const result = schema.safeParse(config)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new EegTorchError('FILE_INVALID', `${issue.path.join('.') || 'the preprocessor'} does not hold`, {
    ...(file !== undefined && { file }),
    expected: issue.message,
  })
}

/**
 * Images as a CLIP network takes them (transformers, `CLIPImageProcessor` by Pillow): the shorter side resized by the bicubic filter, the centre
 * cut out, standardised.
 *
 * @returns float32 (images, 3, crop_size, crop_size)
 * @throws EegTorchError `SHAPE_MISMATCH` for bytes that do not fill a picture
 */
export function preprocessImages(images: readonly Picture[], how: ClipPreprocessing = readPreprocessing({})): Tensor {
  const crop = how.crop_size
  const values = new Float32Array(images.length * RGB * crop * crop)
  images.forEach((image, i) => {
    const { width, height, pixels } = image
    if (pixels.length !== width * height * RGB || pixels.length === 0) {
      throw new EegTorchError('SHAPE_MISMATCH', 'the bytes of a picture do not fill it', {
        expected: `3 x ${width} x ${height} bytes`,
        received: String(pixels.length),
      })
    }
    standardise(
      resizeShorter(image, how.size),
      how,
      values.subarray(i * RGB * crop * crop, (i + 1) * RGB * crop * crop),
    )
  })
  return fromTypedArray(values, { shape: [images.length, RGB, crop, crop] })
}

function resizeShorter(image: Picture, size: number): Picture {
  const { width, height } = image
  const longer = Math.trunc((size * Math.max(width, height)) / Math.min(width, height))
  return width <= height ? resizeBicubic(image, size, longer) : resizeBicubic(image, longer, size)
}

/** The centre of an image, black around it where it is smaller; in float32 at every step, as the reference computes. */
function standardise({ pixels, width, height }: Picture, how: ClipPreprocessing, into: Float32Array): void {
  const { crop_size: crop, rescale_factor: scale, image_mean, image_std } = how
  const top = Math.floor((height - crop) / 2)
  const left = Math.floor((width - crop) / 2)
  for (let c = 0, to = 0; c < RGB; c++) {
    const mean = Math.fround(image_mean[c]!)
    const deviation = Math.fround(image_std[c]!)
    for (let y = top; y < top + crop; y++) {
      for (let x = left; x < left + crop; x++, to++) {
        const inside = y >= 0 && y < height && x >= 0 && x < width
        const byte = inside ? pixels[(y * width + x) * RGB + c]! : 0
        into[to] = Math.fround(Math.fround(byte * scale) - mean) / deviation
      }
    }
  }
}
