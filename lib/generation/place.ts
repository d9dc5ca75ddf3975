import type { Device, DType } from '../dtype.ts'
import type { Tensor } from '../tensor.ts'

/** Where a network is, and in which type it computes. */
export interface Place {
  readonly device: Device
  readonly dtype: DType
}

/** What has parameters. */
export interface PlacedNetwork {
  parameters(): Readonly<Record<string, Tensor>>
}

/** The place of a network: that of its first parameter. No tensor is held, so that disposing of the network frees its weights at once. */
export function placeOf(network: PlacedNetwork): Place {
  const parameters = Object.values(network.parameters())
  const { device, dtype } = parameters[0]!
  for (const tensor of parameters) tensor.dispose()
  return { device, dtype }
}
