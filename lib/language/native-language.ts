import type { ModelId } from '../models/native-models.ts'
import { nativeFunctions, type TensorId } from '../native.ts'

interface NativeLanguage {
  makeDecoder(
    model: ModelId,
    words: TensorId | null,
    prefix: TensorId | null,
    prefixBehind: boolean,
    mask: TensorId | null,
    options: Record<string, unknown>,
    cancellation?: number,
  ): Promise<number>
  decoderNext(decoder: number, cancellation?: number): Promise<{ tokens: number[]; finished: boolean }>
  llamaEmbed(model: ModelId, ids: TensorId): TensorId
  llamaMerge(model: ModelId, name: string, a: TensorId, b: TensorId, scale: number): Promise<void>
  removeObject(id: number): boolean
}

/** The addon's functions for language models; `binding/decoder.cpp` implements them. */
export const nativeLanguage: NativeLanguage = nativeFunctions<NativeLanguage>()
