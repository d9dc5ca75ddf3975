import { z } from 'zod'
import { Clip } from '../generation/clip/clip.ts'
import { preprocessImages } from '../generation/clip/preprocess.ts'
import type { Picture } from '../generation/pictures/picture.ts'
import type { Tensor } from '../tensor.ts'
import { loadTokenizer } from '../tokenizers/load.ts'
import type { PipelineRunner } from './pipeline-cases.ts'
import { paddedIds } from './pipeline-tokens.ts'

const described = z.looseObject({ sentences: z.array(z.string()) })

/** CLIP: token ids, prepared pixels, both embeddings, and the similarities of pictures and sentences. */
export const runClip: PipelineRunner = async (folder, given, expected) => {
  const { sentences } = described.parse(given)
  const clip = await Clip.load(folder)
  try {
    const pictures = picturesIn(expected.image!)
    const texts = await clip.encodeText(sentences, { truncate: true })
    const images = await clip.encodeImages(pictures)
    return {
      'tokens.sentences': paddedIds(await loadTokenizer(folder), sentences),
      ...{ image: expected.image!, pixel_values: await preprocessImages(pictures, clip.preprocessing) },
      ...{ image_embeds: images, text_embeds: texts, logits_per_image: clip.similarity(images, texts) },
    }
  } finally {
    clip.dispose()
  }
}

/** (pictures, height, width, 3), bytes */
function picturesIn(images: Tensor): Picture[] {
  const [count = 0, height = 0, width = 0] = images.shape
  const bytes = images.toTypedArray() as Uint8Array
  const each = height * width * 3
  return Array.from({ length: count }, (_, i) => ({ width, height, pixels: bytes.slice(i * each, (i + 1) * each) }))
}
