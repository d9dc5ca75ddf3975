import { noGrad } from '../../autograd.ts'
import { cat, tensor, zeros } from '../../creation.ts'
import { ops } from '../../ops/index.ts'
import type { Random } from '../../random.ts'
import type { Tensor } from '../../tensor.ts'
import { PatchCodec } from '../patch-codec.ts'
import { tensorOfPictures } from '../pictures/picture.ts'
import type { Stimuli } from '../sgdm/fit-sgdm.ts'
import type { EegReading, Sgdm } from '../sgdm/sgdm.ts'
import type { StimulusParts } from './study-stimuli.ts'

/** The training pictures as what networks are trained towards. */
export interface StimulusTables {
  /** Fitted to the training pictures. */
  codec: PatchCodec
  stimuli: Stimuli
  /** One row of a class. */
  draw(label: number, random: Random): number
}

/**
 * The training pictures, each also mirrored. Their semantic vectors are their classes: without a published CLIP there is nothing that knows more
 * of them.
 */
export async function stimulusTables({ training }: StimulusParts, classes: number): Promise<StimulusTables> {
  const labels = [...training, ...training].map(({ label }) => label)
  using images = tensorOfPictures(training.map(({ picture }) => picture))
  using mirrored = noGrad(() => images.flip([2]))
  using both = noGrad(() => cat([images, mirrored], 0))
  const codec = await PatchCodec.fit(both)
  const numbers = tensor(labels.map(BigInt))
  const stimuli = {
    latents: await codec.encode(both),
    semantics: classVectors(labels, classes),
    classes: numbers,
  }
  return {
    codec,
    stimuli,
    draw(label, random) {
      const own = labels.flatMap((other, row) => (other === label ? [row] : []))
      return own[Math.floor(own.length * random.uniform())]!
    },
  }
}

/** What would be read from EEG that tells nothing but the class: the mean rough structure of its training pictures and its semantic vector. */
export function readingOfLabels(networks: Sgdm, { stimuli }: StimulusTables, labels: readonly number[]): EegReading {
  const { structureSize: side, nClasses } = networks.config
  return noGrad(() => {
    const semantic = classVectors(labels, nClasses)
    const own = classVectors(Array.from(stimuli.classes!.toArray() as bigint[], Number), nClasses)
    const share = own.div(own.sum([0], { keepdim: true }))
    const structures = ops.aten.adaptive_avg_pool2d(stimuli.latents, [side, side])
    const means = share.t().matmul(structures.flatten(1))
    return {
      latent: networks.nullLatent.detach().expand([labels.length, networks.nullLatent.length]),
      semantic,
      structure: semantic.matmul(means).reshape([labels.length, -1, side, side]),
      logits: semantic,
    }
  })
}

function classVectors(labels: readonly number[], classes: number): Tensor {
  const rows = zeros([labels.length, classes]) as Tensor
  for (const [row, label] of labels.entries()) rows.select(0, row).select(0, label).fill_(1)
  return rows
}
