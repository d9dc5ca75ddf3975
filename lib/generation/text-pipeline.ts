import { noGrad } from '../autograd.ts'
import { tensor } from '../creation.ts'
import type { Device } from '../dtype.ts'
import type { Model } from '../models/model.ts'
import { type PlacedNetwork, type Placement, placementOf } from '../models/placement.ts'
import type { Tensor } from '../tensor.ts'
import type { Tokenizer } from '../tokenizers/tokenizer.ts'

type TextEncoder = Model<'clip_text'> | Model<'clip_text_with_projection'>

/** How texts are encoded. */
export interface EncodePromptsOptions {
  /** Cut texts of more than the encoder's 77 tokens; else they are an error. */
  truncate?: boolean
  signal?: AbortSignal | undefined
}

/** What pipelines that draw from a text share: where they are, what their encoder says of a text, and freeing. */
export abstract class TextPipeline implements Disposable {
  /** Where the network that draws is, and in which type it computes. */
  protected readonly place: Placement
  readonly #tokenizer: Tokenizer
  readonly #owned: readonly Disposable[]

  /** @param owned freed with the pipeline; the first one draws */
  constructor(tokenizer: Tokenizer, owned: readonly [PlacedNetwork & Disposable, ...Disposable[]]) {
    this.place = placementOf(owned[0])
    this.#tokenizer = tokenizer
    this.#owned = owned
  }

  get device(): Device {
    return this.place.device
  }

  /**
   * Some of what the text encoder says of texts, by the names of its outputs; the others are freed.
   *
   * @throws EegTorchError `INVALID_OPTION` for a text of more tokens than the encoder takes, unless `truncate`
   */
  protected async encodeTexts<Name extends string>(
    encoder: TextEncoder,
    texts: readonly string[],
    { truncate = false, signal }: EncodePromptsOptions,
    wanted: readonly Name[],
  ): Promise<Record<Name, Tensor>> {
    const { ids } = this.#tokenizer.encodeBatch(texts, { padTo: 'maxLength', truncate })
    using here = tensor(ids, { dtype: 'int64' })
    using inputIds = here.to(this.device)
    const outputs: Record<string, Tensor> = await noGrad(() => encoder.runAsync({ inputIds }, { signal }))
    for (const [name, output] of Object.entries(outputs)) if (!wanted.includes(name as Name)) output.dispose()
    return Object.fromEntries(wanted.map((name) => [name, outputs[name]!])) as Record<Name, Tensor>
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
