import { join } from 'node:path'
import { z } from 'zod'
import { stack, tensor } from '../creation.ts'
import { defined } from '../defined.ts'
import {
  StableDiffusion,
  type StableDiffusionOptions,
  stableDiffusionOptions,
} from '../generation/stable-diffusion/stable-diffusion.ts'
import type { NamedTensors } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'
import type { PipelineRunner } from './pipeline-cases.ts'
import { tokensOf } from './pipeline-tokens.ts'

const described = z.looseObject({
  prompt: z.string(),
  negative_prompt: z.string(),
  num_inference_steps: z.number(),
  guidance_scale: z.number(),
  /** Short name to diffusers' class. */
  schedulers: z.record(z.string(), z.string()),
  sentences: z.array(z.string()).optional(),
  /** Folder of a ControlNet inside the model's, and the weight of what it says. */
  controlnet: z.string().optional(),
  controlnet_conditioning_scale: z.number().optional(),
  /** What the run of a short name is told besides, and in place of the above. */
  arguments: z
    .record(
      z.string(),
      z.strictObject({
        guidance_scale: z.number().optional(),
        control_guidance_start: z.number().optional(),
        control_guidance_end: z.number().optional(),
        guess_mode: z.boolean().optional(),
      }),
    )
    .default({}),
})

type Asked = z.infer<typeof described>

/** Stable Diffusion 1.5 and 2.1: token ids, embeddings, and for each scheduler guided predictions, latents after each step, and the picture. */
export const runStableDiffusion: PipelineRunner = async (folder, given, expected) => {
  const asked = described.parse(given)
  const { initial_noise: noise, structure } = expected as { initial_noise: Tensor; structure?: Tensor }
  const answers: NamedTensors = { initial_noise: noise, ...(structure && { structure }) }
  const controlNet = asked.controlnet === undefined ? undefined : join(folder, asked.controlnet)
  for (const [name, scheduler] of Object.entries(asked.schedulers)) {
    using pipeline = await StableDiffusion.load(folder, { scheduler, controlNet })
    Object.assign(answers, await encode(pipeline, asked, expected))
    const run = await draw(
      pipeline,
      { ...asked, ...defined(asked.arguments[name] ?? {}) },
      { noise, structures: structure },
    )
    for (const [key, value] of Object.entries(run)) answers[`${name}.${key}`] = value
  }
  return answers
}

async function encode(pipeline: StableDiffusion, asked: Asked, expected: NamedTensors): Promise<NamedTensors> {
  return {
    ...tokensOf(pipeline.parts.tokenizer, asked, expected),
    prompt_embeds: await pipeline.encodePrompts([asked.prompt]),
    negative_prompt_embeds: await pipeline.encodePrompts([asked.negative_prompt]),
  }
}

async function draw(
  pipeline: StableDiffusion,
  asked: Asked & Asked['arguments'][string],
  given: Pick<StableDiffusionOptions, 'noise' | 'structures'>,
): Promise<NamedTensors> {
  const predictions: Tensor[] = []
  const latents: Tensor[] = []
  const options = stableDiffusionOptions.parse({
    steps: asked.num_inference_steps,
    guidance: asked.guidance_scale,
    negativePrompt: asked.negative_prompt,
    structureWeight: asked.controlnet_conditioning_scale,
    structureStart: asked.control_guidance_start,
    structureEnd: asked.control_guidance_end,
    guessMode: asked.guess_mode,
  })
  const run = await pipeline.start([asked.prompt], { ...options, ...given }, async (output) => {
    predictions.push(output)
    return output
  })
  for (let step = 0; step < run.steps; step++) {
    await run.step()
    latents.push(run.state)
  }
  const { timesteps, timestepType } = pipeline.parts.scheduler.steps(asked.num_inference_steps)
  return {
    timesteps: tensor([...timesteps]).to(timestepType),
    noise_pred: stack(predictions),
    latents: stack(latents),
    image: await run.decode(),
  }
}
