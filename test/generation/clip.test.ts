import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Clip, openCheckpoint, preprocessImages, readPreprocessing, type Tensor, tensor } from 'eegtorch'
import sharp from 'sharp'
import { errorOf, rejectionOf } from '../thrown.ts'

// The tiny CLIP of the oracle's pipelines, in the layout of the published one; expected: transformers 5.23
const folder = join(import.meta.dirname, '..', 'fixtures', 'generation', 'clip-pipeline')
const { sentences } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as { sentences: string[] }
let expected: Map<string, Tensor>
let clip: Clip
let scratch: string
beforeAll(async () => {
  expected = await openCheckpoint(join(folder, 'expected.safetensors')).tensors.loadAll()
  clip = await Clip.load(folder)
  scratch = mkdtempSync(join(tmpdir(), 'clip-'))
})
afterAll(() => {
  clip.dispose()
  rmSync(scratch, { recursive: true })
})

const worst = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number

function pictures() {
  const images = expected.get('image')!
  const [count = 0, height = 0, width = 0] = images.shape
  const bytes = images.toTypedArray() as Uint8Array
  const each = height * width * 3
  return Array.from({ length: count }, (_, i) => ({ width, height, pixels: bytes.slice(i * each, (i + 1) * each) }))
}

test('a folder of transformers gives its embeddings and similarities', async () => {
  expect(worst(await preprocessImages(pictures(), clip.preprocessing), expected.get('pixel_values')!)).toBe(0)
  const texts = await clip.encodeText(sentences, { truncate: true, batchSize: 3 })
  const images = await clip.encodeImages(pictures())
  expect(worst(texts, expected.get('text_embeds')!)).toBeLessThan(1e-6)
  expect(worst(images, expected.get('image_embeds')!)).toBeLessThan(1e-6)
  expect(worst(clip.similarity(images, texts), expected.get('logits_per_image')!)).toBeLessThan(1e-6)
  expect(images.requiresGrad).toBe(false)
})

test('ids and pixels may be given; embeddings may keep their length', async () => {
  const ids = expected.get('tokens.sentences')!
  expect(worst(await clip.encodeText(ids), expected.get('text_embeds')!)).toBeLessThan(1e-6)
  const long = await clip.encodeImages(expected.get('pixel_values')!, { normalise: false })
  const unit = long.div(long.norm(2, [1], true))
  expect(worst(long, unit)).toBeGreaterThan(0.01)
  expect(worst(unit, expected.get('image_embeds')!)).toBeLessThan(1e-6)
})

test('of a very long picture only the middle is computed, and what is smaller than the square is black around', async () => {
  const strip = { width: 40_000, height: 2, pixels: new Uint8Array(40_000 * 2 * 3).fill(255) }
  const how = readPreprocessing({ size: 64, crop_size: 64, image_mean: [0, 0, 0], image_std: [1, 1, 1] })
  const middle = await preprocessImages([strip], how)
  expect([middle.shape, middle.min().item()]).toEqual([[1, 3, 64, 64], 1])
  const framed = await preprocessImages([{ ...strip, width: 2, pixels: strip.pixels.slice(0, 12) }], {
    ...how,
    size: 30,
  })
  expect(framed.sum().item()).toBe(30 * 30 * 3)
  expect(framed.narrow(2, 17, 30).narrow(3, 17, 30).min().item()).toBe(1)
})

test('a PNG is the picture that it holds', async () => {
  const [picture] = pictures()
  const { width, height, pixels } = picture!
  const file = join(scratch, 'a.png')
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file)
  const image = await clip.encodeImages([file])
  expect(worst(image, expected.get('image_embeds')!.narrow(0, 0, 1))).toBeLessThan(1e-6)
})

// A TorchScript archive with the names of OpenAI's files in half precision; expected: transformers with the same weights
test('a file as OpenAI publishes it', async () => {
  const fixtures = join(folder, '..')
  const wanted = await openCheckpoint(join(fixtures, 'openai-clip.expected.safetensors')).tensors.loadAll()
  const published = await Clip.load(join(fixtures, 'openai-clip.pt'))
  const texts = await published.encodeText(wanted.get('ids')!)
  const images = await published.encodeImages(wanted.get('pixels')!)
  expect(worst(texts, wanted.get('text_embeds')!)).toBeLessThan(1e-6)
  expect(worst(images, wanted.get('image_embeds')!)).toBeLessThan(1e-6)
  expect(worst(published.similarity(images, texts), wanted.get('logits')!)).toBeLessThan(1e-6)
  expect((await rejectionOf(published.encodeText(['a dog']))).option).toBe('tokenizer')
  published.dispose()
})

test('what cannot be encoded is a clear error', async () => {
  const text = join(scratch, 'stimulus.jpg')
  writeFileSync(text, 'a dog')
  expect(await rejectionOf(clip.encodeImages([text]))).toMatchObject({ code: 'FILE_INVALID', file: text })
  expect((await rejectionOf(clip.encodeImages([join(scratch, 'none.png')]))).code).toBe('FILE_NOT_FOUND')
  expect((await rejectionOf(clip.encodeImages([]))).code).toBe('INVALID_OPTION')
  expect((await rejectionOf(clip.encodeImages([{ width: 2, height: 2, pixels: new Uint8Array(5) }]))).code).toBe(
    'SHAPE_MISMATCH',
  )
  expect(await rejectionOf(clip.encodeText([sentences.at(-1)!]))).toMatchObject({
    code: 'INVALID_OPTION',
    received: '98 tokens',
  })
  const ids = tensor(new BigInt64Array(78), { shape: [1, 78] })
  expect((await rejectionOf(clip.encodeText(ids))).code).toBe('SHAPE_MISMATCH')
  expect(errorOf(() => readPreprocessing({ do_center_crop: false })).code).toBe('FILE_INVALID')
  expect(errorOf(() => readPreprocessing({ resample: 2 })).code).toBe('FILE_INVALID')
})

test('folders that do not hold together are refused', async () => {
  const broken = join(scratch, 'broken')
  cpSync(folder, broken, { recursive: true })
  writeFileSync(join(broken, 'preprocessor_config.json'), JSON.stringify({ size: 32, crop_size: 32 }))
  expect(await rejectionOf(Clip.load(broken))).toMatchObject({ code: 'FILE_INVALID', expected: 'crop_size 28' })
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  writeFileSync(join(broken, 'config.json'), JSON.stringify({ ...config, projection_dim: 25 }))
  expect((await rejectionOf(Clip.load(broken))).code).toBe('CHECKPOINT_MISMATCH')
  rmSync(join(broken, 'model.safetensors'))
  expect((await rejectionOf(Clip.load(broken))).code).toBe('FILE_NOT_FOUND')
})
