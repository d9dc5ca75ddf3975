import { z } from 'zod'
import { noGrad } from '../autograd.ts'
import { stack, tensor } from '../creation.ts'
import { Amused, amusedOptions } from '../generation/amused/amused.ts'
import { MaskedTokens } from '../generation/schedulers/masked-tokens.ts'
import type { NamedTensors } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'
import type { PipelineRunner } from './pipeline-cases.ts'
import { tokensOf } from './pipeline-tokens.ts'

const described = z.looseObject({
  prompt: z.string(),
  negative_prompt: z.string(),
  num_inference_steps: z.number(),
  guidance_scale: z.number(),
  temperature: z.tuple([z.number(), z.number()]),
  /** Width, height, two edges of the part that was cut out, and how beautiful the picture is. */
  micro_conditioning: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]),
  sentences: z.array(z.string()).optional(),
})

/** aMUSEd: token ids, embeddings, guided logits and tokens of each step under the given draws, and the picture. */
export const runAmused: PipelineRunner = async (folder, given, expected) => {
  const asked = described.parse(given)
  const { exponential, uniform } = expected as Record<'exponential' | 'uniform', Tensor>
  using pipeline = await Amused.load(folder)
  const { tokens: hidden, pooled } = await pipeline.encodePrompts([asked.prompt])
  const [width, height, ...crop] = asked.micro_conditioning
  const options = amusedOptions.parse({
    ...{ steps: asked.num_inference_steps, guidance: asked.guidance_scale, negativePrompt: asked.negative_prompt },
    ...{ temperature: asked.temperature, width, height, crop: crop.slice(0, 2), aestheticScore: crop[2] },
  })
  const draws = Array.from({ length: options.steps }, (_, i) => ({
    exponential: exponential.select(0, i),
    uniform: uniform.select(0, i),
  }))
  const logits: Tensor[] = []
  const onLogits = (guided: Tensor) => void logits.push(noGrad(() => guided.clone()))
  using run = await pipeline.start([asked.prompt], options, { draws, onLogits })
  const latents: Tensor[] = []
  for (let step = 0; step < run.steps; step++) {
    await run.step()
    latents.push(run.tokens.clone())
  }
  const { timesteps } = new MaskedTokens(pipeline.parts.scheduler).steps(options.steps)
  const answers: NamedTensors = {
    ...tokensOf(pipeline.parts.tokenizer, asked, expected),
    ...{ exponential, uniform, prompt_embeds: pooled, encoder_hidden_states: hidden },
    ...{ timesteps: tensor([...timesteps], { dtype: 'int64' }), logits: stack(logits), latents: stack(latents) },
    image: await run.decode(),
  }
  return answers
}
