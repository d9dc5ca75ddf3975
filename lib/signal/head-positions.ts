import { tensor } from '../creation.ts'
import { electrodePosition, type Position } from '../electrodes.ts'
import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'

/** Where electrodes are: names of the 10-10 system, which stand on the unit sphere, or positions (x right, y nose, z vertex). */
export type ElectrodePlaces = readonly (string | Position)[]

/**
 * Positions as (channels, 3), float64.
 *
 * @throws EegTorchError `INVALID_OPTION` for a name that the 10-10 system does not have
 */
export function positionsOf(places: ElectrodePlaces): Tensor {
  const positions = places.map((place) => {
    const position = typeof place === 'string' ? electrodePosition(place) : place
    if (position !== undefined && position.length === 3) return position
    throw new EegTorchError('INVALID_OPTION', 'an electrode has no known position', {
      option: 'positions',
      expected: 'a name of the 10-10 system such as Cz, or [x, y, z]',
      received: JSON.stringify(place),
    })
  })
  return tensor(Float64Array.from(positions.flat()), { shape: [positions.length, 3] })
}
