import { fromTypedArray } from '../creation.ts'
import { EegTorchError } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import type { Decoded } from './rows.ts'

/** The classes that occur among training rows: others have no probability. */
export class PresentClasses {
  /** In rising order. */
  readonly present: readonly number[]
  readonly #labels: readonly number[]
  readonly #classes: number

  /** @throws EegTorchError `INVALID_OPTION` for fewer than two, or a label that is no class */
  constructor(labels: ArrayLike<number>, classes: number) {
    this.#labels = Array.from(labels)
    this.#classes = classes
    this.present = [...new Set(this.#labels)].sort((a, b) => a - b)
    const wrong = this.present.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes))
    if (wrong !== undefined) {
      throw new EegTorchError('INVALID_OPTION', 'a label is no class', {
        expected: `a whole number from 0 to ${classes - 1}`,
        received: String(wrong),
      })
    }
    if (this.present.length < 2) {
      throw new EegTorchError('INVALID_OPTION', 'a classical decoder needs two classes to train on', {
        expected: '2 or more',
        received: String(this.present.length),
      })
    }
  }

  /** For each training row the place of its class among those present, int64. */
  places(): Tensor {
    const places = new Map(this.present.map((label, place) => [label, BigInt(place)]))
    return fromTypedArray(BigInt64Array.from(this.#labels, (label) => places.get(label)!))
  }

  /** The training rows of a class, int64. */
  rowsOf(label: number): Tensor {
    return fromTypedArray(BigInt64Array.from(this.#labels.flatMap((own, row) => (own === label ? [BigInt(row)] : []))))
  }

  /** What each training row counts in the mean of each class present, (classes present, rows) float64. */
  shares(): Tensor {
    const rows = this.#labels.length
    const shares = new Float64Array(this.present.length * rows)
    for (const [place, label] of this.present.entries()) {
      const own = this.#labels.flatMap((other, row) => (other === label ? [row] : []))
      for (const row of own) shares[place * rows + row] = 1 / own.length
    }
    return fromTypedArray(shares, { shape: [this.present.length, rows] })
  }

  /** Answers of all classes. @param shares probabilities of those present, (rows, classes present) */
  decoded(shares: Tensor): Decoded {
    const probabilities = (shares.toArray() as number[][]).map((row) => {
      const all = new Array<number>(this.#classes).fill(0)
      for (const [place, share] of row.entries()) all[this.present[place]!] = share
      return all
    })
    return { predicted: Int32Array.from(probabilities, (row) => row.indexOf(Math.max(...row))), probabilities }
  }
}
