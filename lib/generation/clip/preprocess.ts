import { z } from 'zod'
import { fromTypedArray } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import type { Picture } from '../pictures/picture.ts'

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
 * Images as a CLIP network takes them (transformers, `CLIPImageProcessor` by Pillow): the shorter side resized by Pillow's bicubic filter byte for byte,
 * the centre cut out, standardised. Runs on the compute thread.
 *
 * @returns float32 (images, 3, crop_size, crop_size)
 * @throws EegTorchError `SHAPE_MISMATCH` for bytes that do not fill a picture
 */
export async function preprocessImages(
  images: readonly Picture[],
  how: ClipPreprocessing = readPreprocessing({}),
): Promise<Tensor> {
  const pictures = images.map(tensorOf)
  const { size, crop_size: crop, rescale_factor: scale, image_mean: mean, image_std: deviation } = how
  const { clip_pixels } = asyncOps.namespace('eegtorch')
  try {
    return (await clip_pixels!(pictures, { size, crop, scale, mean, deviation })) as Tensor
  } finally {
    for (const picture of pictures) picture.dispose()
  }
}

function tensorOf({ width, height, pixels }: Picture): Tensor {
  if (pixels.length === width * height * RGB && pixels.length > 0) {
    return fromTypedArray(pixels, { shape: [height, width, RGB] })
  }
  throw new EegTorchError('SHAPE_MISMATCH', 'the bytes of a picture do not fill it', {
    expected: `3 x ${width} x ${height} bytes`,
    received: String(pixels.length),
  })
}
