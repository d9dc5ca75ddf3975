import { join } from 'node:path'
import { verifyCase } from '../../lib/verify/verify-case.ts'
import { useOneThread } from '../one-thread.ts'

const oracle = join(import.meta.dirname, '..', 'oracle', 'pipelines')
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'generation')
useOneThread()

// Those of Stable Diffusion stand in test/generation/stable-diffusion.test.ts.
test.each([
  [join(oracle, 'amused'), ['logits', 'latents', 'image', 'prompt_embeds', 'tokens.prompt']],
  [join(fixtures, 'llama-pipeline'), ['base.logits', 'adapter.generated', 'tokens.sentences']],
  [join(fixtures, 'clip-pipeline'), ['pixel_values', 'logits_per_image', 'tokens.sentences']],
])('%s gives what its library gives', async (folder, names) => {
  const { error, tensors } = await verifyCase(folder)
  expect(error).toBeUndefined()
  expect(tensors.filter(({ passed }) => !passed)).toEqual([])
  expect(tensors.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
})
