import { existsSync, statSync } from 'node:fs'
import type { Sharp } from 'sharp'
import { tensor } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import { areFinite } from '../../finite.ts'
import { scope } from '../../memory.ts'
import { asyncOps } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'

/** A picture in memory: red, green and blue of one pixel after the other, row by row. */
export interface Picture {
  readonly width: number
  readonly height: number
  /** `3 * width * height` values from 0 to 255. */
  readonly pixels: Uint8Array
}

/** Width and height in pixels. */
export interface PictureSize {
  readonly width: number
  readonly height: number
}

/** What a file may hold at most: 268 million pixels, a square of 16384. A small file can claim any size. */
const MOST_PIXELS = 16384 ** 2

/**
 * The pictures that a decoder made, each value rounded to the nearest of 256 levels.
 *
 * @param images (pictures, height, width, 3), real numbers; what lies outside of 0 .. 1 is cut off
 * @throws EegTorchError `SHAPE_MISMATCH`; `DIVERGED` for values that are not numbers
 */
export async function picturesOf(images: Tensor): Promise<Picture[]> {
  const [count = 0, height = 0, width = 0, channels] = images.shape
  if (images.shape.length !== 4 || channels !== 3) {
    throw new EegTorchError('SHAPE_MISMATCH', 'this is no batch of colour pictures', {
      expected: '(pictures, height, width, 3)',
      received: `(${images.shape.join(', ')})`,
    })
  }
  using plain = scope(() => images.detach().to({ device: 'cpu', dtype: 'float32' }))
  if (!(await areFinite(plain))) throw new EegTorchError('DIVERGED', 'the picture has values that are not numbers')
  using scaled = scope(() => plain.clamp(0, 1).mul(255))
  using levels = await asyncOps.aten.round(scaled)
  const bytes = scope(() => levels.to('uint8').contiguous().toTypedArray() as Uint8Array)
  const each = 3 * height * width
  return Array.from({ length: count }, (_, i) => ({ width, height, pixels: bytes.slice(i * each, (i + 1) * each) }))
}

/**
 * The pictures as a tensor, float32 from 0 to 1.
 *
 * @returns (pictures, height, width, 3)
 * @throws EegTorchError `SHAPE_MISMATCH` for pictures of several sizes, `INVALID_OPTION` for none
 */
export function tensorOfPictures(pictures: readonly Picture[]): Tensor {
  const [first] = pictures
  if (first === undefined) throw new EegTorchError('INVALID_OPTION', 'there is no picture')
  const { width, height } = first
  const other = pictures.find((picture) => picture.width !== width || picture.height !== height)
  if (other !== undefined) {
    throw new EegTorchError('SHAPE_MISMATCH', 'the pictures differ in size', {
      expected: `${width} x ${height} pixels`,
      received: `${other.width} x ${other.height}`,
    })
  }
  const bytes = new Uint8Array(pictures.length * 3 * width * height)
  for (const [i, { pixels }] of pictures.entries()) bytes.set(pixels, i * 3 * width * height)
  return scope(() =>
    tensor(bytes, { shape: [pictures.length, height, width, 3] })
      .to('float32')
      .div(255),
  )
}

/**
 * Reads a picture of any format that sharp knows (PNG, JPEG, WebP, TIFF, GIF's first frame, AVIF, SVG): turned as its camera says, converted to
 * sRGB, what is transparent over white.
 *
 * @param size scaled to this size, and cut from the middle where the proportions differ
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for what is no picture or a damaged one
 */
export async function readPicture(file: string, size?: PictureSize): Promise<Picture> {
  const opened = await openSharp(file)
  const scaled = size === undefined ? opened : opened.resize(size.width, size.height, { fit: 'cover' })
  return namingFile(file, rawPixels(scaled.rotate()))
}

/**
 * Looks at the beginnings of files that are to be read later, when others have been worked on for long.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for what is no picture
 */
export async function requirePictures(files: Iterable<string>): Promise<void> {
  for (const file of new Set(files)) await namingFile(file, (await openSharp(file)).metadata())
}

async function namingFile<T>(file: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', `is no picture that can be read (${(cause as Error).message})`, {
      file,
      expected: 'a whole PNG, JPEG, WebP, TIFF, GIF or AVIF file',
      cause,
    })
  }
}

/** The picture at another size, cut from the middle where the proportions differ. */
export async function resizePicture(picture: Picture, { width, height }: PictureSize): Promise<Picture> {
  if (picture.width === width && picture.height === height) return picture
  return rawPixels((await sharpOf(picture)).resize(width, height, { fit: 'cover' }))
}

/** The bytes of a PNG file. */
export async function encodePng(picture: Picture): Promise<Buffer> {
  return (await sharpOf(picture)).png().toBuffer()
}

/** The picture as sharp takes it. @throws EegTorchError `SHAPE_MISMATCH` where its bytes do not fill it */
async function sharpOf({ width, height, pixels }: Picture): Promise<Sharp> {
  if (pixels.length !== 3 * width * height || pixels.length === 0) {
    throw new EegTorchError('SHAPE_MISMATCH', 'the bytes of a picture do not fill it', {
      expected: `3 x ${width} x ${height} bytes`,
      received: `${pixels.length}`,
    })
  }
  const { default: sharp } = await import('sharp')
  return sharp(pixels, { raw: { width, height, channels: 3 } })
}

// Loaded where it is needed: only pictures need it, and it is large.
async function openSharp(file: string): Promise<Sharp> {
  if (!existsSync(file) || statSync(file).isDirectory()) {
    throw new EegTorchError('FILE_NOT_FOUND', 'there is no such picture', { file })
  }
  const { default: sharp } = await import('sharp')
  return sharp(file, { limitInputPixels: MOST_PIXELS, failOn: 'error' })
}

async function rawPixels(opened: Sharp): Promise<Picture> {
  const { data, info } = await opened
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, pixels: new Uint8Array(data.buffer, data.byteOffset, data.length) }
}
