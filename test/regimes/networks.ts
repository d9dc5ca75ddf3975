import { type AdversarialNets, fromTypedArray, Generator, manualSeed, models, randn, type Tensor } from 'eegtorch'

/** Adversarial autoencoder of images of 16 x 16. */
export function smallAdversarial(): AdversarialNets & { classifier: ReturnType<typeof models.latentCnnClassifier> } {
  manualSeed(0)
  const shared = { imageSize: [16, 16], latentDim: 16, width: 8 }
  return {
    encoder: models.aaeEncoder(shared),
    decoder: models.aaeDecoder(shared),
    discriminator: models.aaeDiscriminator({ latentDim: 16, hiddenDims: [16] }),
    classifier: models.latentCnnClassifier({ latentDim: 16, nOutputs: 2, width: 8, dropProb: 0 }),
  }
}

/** Standard normal numbers that depend on the seed alone. */
export function noise(shape: number[], seed = 1): Tensor {
  return randn(shape, { generator: new Generator(seed) })
}

/** Six images of smooth blobs between 0 and 1, of two classes. */
export function smallImages(): Tensor {
  return noise([6, 1, 4, 4]).upsample_bilinear2d([16, 16], true).sigmoid() as Tensor
}

/** 0, 1, 0, 1, ... */
export function alternating(count: number, classes = 2): Tensor {
  return fromTypedArray(BigInt64Array.from({ length: count }, (_, i) => BigInt(i % classes)))
}

/** Weights as bytes, for exact comparison. */
export function bytes(...nets: { stateDict(): Record<string, Tensor> }[]): string[] {
  return nets.flatMap((net) =>
    Object.entries(net.stateDict()).map(([name, tensor]) => {
      const { buffer, byteOffset, byteLength } = tensor.toTypedArray() as Float32Array
      return `${name} ${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}`
    }),
  )
}
