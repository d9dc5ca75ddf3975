import { tensor } from '../creation.ts'
import type { Device } from '../dtype.ts'
import type { Tensor } from '../tensor.ts'
import type { Tokenizer } from '../tokenizers/tokenizer.ts'
import { type Place, type PlacedNetwork, placeOf } from './place.ts'

/** What pipelines that draw from a text share: where they are, the ids of a text, and freeing. */
export abstract class TextPipeline implements Disposable {
  /** Where the network that draws is, and in which type it computes. */
  protected readonly place: Place
  readonly #tokenizer: Tokenizer
  readonly #owned: readonly Disposable[]

  /** @param owned freed with the pipeline; the first one draws */
  constructor(tokenizer: Tokenizer, owned: readonly [PlacedNetwork & Disposable, ...Disposable[]]) {
    this.place = placeOf(owned[0])
    this.#tokenizer = tokenizer
    this.#owned = owned
  }

  get device(): Device {
    return this.place.device
  }

  /** Token ids (texts, 77) on the device. @throws EegTorchError `INVALID_OPTION` for a text of more tokens, unless `truncate` */
  protected promptIds(texts: readonly string[], truncate: boolean): Tensor {
    const { ids } = this.#tokenizer.encodeBatch(texts, { padTo: 'maxLength', truncate })
    using here = tensor(ids, { dtype: 'int64' })
    return here.to(this.device)
  }

  /** Frees all networks. */
  dispose(): void {
    for (const part of this.#owned) part[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** Whether texts were given, not what stands in their place. */
export function isTexts(prompts: readonly string[] | object): prompts is readonly string[] {
  return Array.isArray(prompts)
}
