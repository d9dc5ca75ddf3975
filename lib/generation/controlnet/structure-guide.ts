import { z } from 'zod'
import { noGrad } from '../../autograd.ts'
import { cat } from '../../creation.ts'
import { EegTorchError } from '../../errors.ts'
import { Arena, scope } from '../../memory.ts'
import type { ModelInputs } from '../../models/configs.generated.ts'
import type { AsyncOptions, Model } from '../../models/model.ts'
import { ops } from '../../ops/index.ts'
import type { Tensor } from '../../tensor.ts'
import type { StepPlace } from '../latent-diffusion.ts'
import { type Picture, type PictureSize, readPicture, resizePicture, tensorOfPictures } from '../pictures/picture.ts'
import type { StepNetwork, StepOptions } from '../step-network.ts'
import { type ControllableUnet, contextWidthOf, residualsOf } from './controlnet.ts'

/**
 * Pictures of the wanted structure, one for all or one for each that is drawn: files or pictures, scaled to the size that is drawn and cut from the
 * middle, or (pictures, channels, height, width) in 0 to 1 of that size.
 */
export type Structures = readonly (string | Picture)[] | Tensor

/** How a ControlNet is listened to, where there is one. */
export const structureFields = {
  /** Weight of what it says; diffusers' `controlnet_conditioning_scale`. */
  structureWeight: z.number().min(0).finite().default(1),
  /** Share of the steps before which it says nothing; diffusers' `control_guidance_start`. */
  structureStart: z.number().min(0).max(1).default(0),
  /** Share of the steps after which it says nothing more; diffusers' `control_guidance_end`. */
  structureEnd: z.number().min(0).max(1).default(1),
  /** Let it guess from the picture: it speaks under the condition alone, and less the nearer a skip is to the picture. */
  guessMode: z.boolean().default(false),
}

/** What {@link structureFields} come to. */
export type StructureSettings = z.infer<z.ZodObject<typeof structureFields>>

/** Refines a schema with {@link structureFields}. */
export function checkStructureSpan(
  { structureStart = 0, structureEnd = 1 }: { structureStart?: number | undefined; structureEnd?: number | undefined },
  context: z.RefinementCtx,
): void {
  if (structureStart < structureEnd) return
  context.addIssue({
    code: 'custom',
    path: ['structureEnd'],
    message: `expected more than structureStart, ${structureStart}`,
  })
}

/** What a network says under conditions, by the names of a UNet's inputs. */
type Predict<Conditions, Said> = (
  sample: Tensor,
  timestep: Tensor,
  conditions: Conditions,
  at: StepPlace,
) => Promise<Said>

/** What is added to a UNet under its conditions, by the names of its inputs; the taker's to dispose of. */
export type StructureGuide<Conditions = { encoderHiddenStates: Tensor }> = Predict<Conditions, Record<string, Tensor>>

/**
 * What a ControlNet adds to its UNet in every step; nothing in steps that it has no say in. One that guesses, or that averages over all pixels, speaks
 * under the condition alone. As diffusers' `StableDiffusionControlNetPipeline` has it.
 *
 * @param pictures (batch, channels, height, width), where the ControlNet is and in its type; a guided batch is twice as long
 */
export function structureGuide(
  controlNet: Model<'controlnet'>,
  pictures: Tensor,
  settings: StructureSettings,
  options: AsyncOptions = {},
): StructureGuide {
  const batch = pictures.shape[0]!
  const isPooled = controlNet.config.globalPoolConditions
  const isAlone = isPooled || settings.guessMode
  return async (sample, timestep, { encoderHiddenStates }, at) => {
    if (!hasSay(settings, at)) return {}
    const isGuided = sample.shape[0]! > batch
    using made = new Arena()
    const inputs = made.run(() =>
      noGrad(() => {
        if (!isAlone || !isGuided)
          return {
            sample,
            timestep,
            encoderHiddenStates,
            controlnetCond: isGuided ? cat([pictures, pictures], 0) : pictures,
          }
        const conditioned = (tensor: Tensor) => tensor.narrow(0, batch, batch)
        const told = { sample: conditioned(sample), encoderHiddenStates: conditioned(encoderHiddenStates) }
        return { ...told, timestep, controlnetCond: pictures }
      }),
    )
    const said = await noGrad(() => controlNet.runAsync(inputs, options))
    const residuals = residualsOf(said as unknown as Record<string, Tensor>)
    weigh(Object.values(residuals), settings.structureWeight, settings.guessMode && !isPooled)
    return isAlone && isGuided ? behindNothing(residuals) : residuals
  }
}

function hasSay({ structureStart, structureEnd }: StructureSettings, { index, count }: StepPlace): boolean {
  return index / count >= structureStart && (index + 1) / count <= structureEnd
}

/** Multiplies residuals, of which the last is the middle's: all alike, or the first by a tenth and the rest evenly upwards in their logarithm. */
function weigh(residuals: readonly Tensor[], weight: number, isGraded: boolean): void {
  const last = residuals.length - 1
  noGrad(() => {
    for (const [i, residual] of residuals.entries()) residual.mul_(isGraded ? weight * 10 ** (i / last - 1) : weight)
  })
}

/**
 * The UNet of a sampling loop with what a ControlNet adds to it, which is freed however a step ends: that it is cancelled is nothing unusual.
 *
 * @param residuals what the ControlNet says under the UNet's conditions; undefined without one
 */
export function guidedByStructure<N extends 'unet2d_condition' | 'sgdm_unet', C extends Record<string, Tensor>>(
  unet: StepNetwork<N>,
  residuals: StructureGuide<C> | undefined,
  options: StepOptions,
): Predict<C, Tensor> {
  return async (sample, timestep, conditions, at) => {
    const extra = (await residuals?.(sample, timestep, conditions, at)) ?? {}
    try {
      return await unet.run({ sample, timestep, ...conditions, ...extra } as unknown as ModelInputs[N], options)
    } finally {
      for (const residual of Object.values(extra)) residual.dispose()
    }
  }
}

/** The residuals of both halves of a guided batch, of which the first hears nothing. */
function behindNothing(residuals: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(residuals).map(([name, residual]) => {
      const both = noGrad(() => scope(() => cat([ops.aten.zeros_like(residual), residual], 0)))
      residual.dispose()
      return [name, both]
    }),
  )
}

/**
 * Reads pictures of the structure for a batch.
 *
 * @param size of the pictures that are drawn
 * @returns (batch, channels, height, width), on the CPU where they come from files; a tensor's rows are copied
 * @throws EegTorchError `SHAPE_MISMATCH`, `FILE_NOT_FOUND`, `FILE_INVALID`
 */
export async function readStructures(
  structures: Structures,
  batch: number,
  channels: number,
  size: PictureSize,
): Promise<Tensor> {
  const given = isTensor(structures) ? structures : await tensorOfFiles(structures, size)
  const wanted = [batch, channels, size.height, size.width]
  const received = given.shape
  const fits =
    received.length === 4 && wanted.every((side, i) => side === received[i] || (i === 0 && received[i] === 1))
  try {
    if (fits) return noGrad(() => scope(() => given.expand(wanted).clone()))
  } finally {
    if (given !== structures) given.dispose()
  }
  throw new EegTorchError('SHAPE_MISMATCH', 'the pictures of the structure do not fit what is drawn', {
    option: 'structures',
    expected: `(${batch} or 1, ${wanted.slice(1).join(', ')})`,
    received: `(${received.join(', ')})`,
  })
}

const isTensor = (structures: Structures): structures is Tensor => !Array.isArray(structures)

async function tensorOfFiles(structures: readonly (string | Picture)[], size: PictureSize): Promise<Tensor> {
  const pictures = await Promise.all(
    structures.map((one) => (typeof one === 'string' ? readPicture(one, size) : resizePicture(one, size))),
  )
  return noGrad(() => scope(() => tensorOfPictures(pictures).permute([0, 3, 1, 2])))
}

/** @throws EegTorchError `CHECKPOINT_MISMATCH` for a ControlNet of another UNet, or of pictures of another size than the decoder's */
export function requireControlNetFits({ config }: Model<'controlnet'>, unet: ControllableUnet, factor: number): void {
  const wanted = { ...pathOf(unet.config), crossAttentionDim: contextWidthOf(unet), factor }
  const { crossAttentionDim } = config
  const received = {
    ...pathOf(config),
    crossAttentionDim,
    factor: 2 ** (config.conditioningEmbeddingOutChannels.length - 1),
  }
  const differing = Object.keys(wanted).filter(
    (name) => JSON.stringify(wanted[name as 'factor']) !== JSON.stringify(received[name as 'factor']),
  )
  if (differing.length === 0) return
  const told = (values: Readonly<Record<string, unknown>>) =>
    differing.map((name) => `${name} ${JSON.stringify(values[name])}`).join(', ')
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the ControlNet is of another UNet', {
    option: 'controlNet',
    expected: told(wanted),
    received: told(received),
  })
}

/** What decides the shapes of a UNet's skips. */
function pathOf({
  inChannels,
  blockOutChannels,
  layersPerBlock,
  downBlockTypes,
}: Readonly<Record<PathOption, unknown>>) {
  return { inChannels, blockOutChannels, layersPerBlock, downBlockTypes }
}

type PathOption = 'inChannels' | 'blockOutChannels' | 'layersPerBlock' | 'downBlockTypes'
