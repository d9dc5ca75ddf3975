import type { Device, DType } from '../dtype.ts'
import type { Tensor } from '../tensor.ts'

/** Where a network is, and in which type it computes. */
export interface Placement {
  readonly device: Device
  readonly dtype: DType
}

/** What has parameters. */
export interface PlacedNetwork {
  parameters(): Readonly<Record<string, Tensor>>
}

/** Where a network is and computes: that of its first parameter. No tensor is held, so that disposing of the network frees its weights at once. */
export function placementOf(network: PlacedNetwork): Placement {
  const parameters = Object.values(network.parameters())
  const { device, dtype } = parameters[0]!
  for (const tensor of parameters) tensor.dispose()
  return { device, dtype }
}
