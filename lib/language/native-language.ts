import type { ModelId } from '../models/native-models.ts'
import { nativeFunctions, type TensorId } from '../native.ts'

interface NativeLanguage {
  makeDecoder(
    model: ModelId,
    embeds: TensorId,
    mask: TensorId | null,
    prompt: TensorId | null,
    options: Record<string, unknown>,
  ): number
  decoderNext(decoder: number, cancellation?: number): Promise<{ tokens: number[]; finished: boolean }>
  llamaEmbed(model: ModelId, ids: TensorId): TensorId
  llamaLoad(model: ModelId, name: string, tensor: TensorId): Promise<void>
  llamaMerge(model: ModelId, name: string, a: TensorId, b: TensorId, scale: number): Promise<void>
  removeObject(id: number): boolean
}

/** The addon's functions for language models; `binding/decoder.cpp` implements them. */
export const nativeLanguage: NativeLanguage = nativeFunctions<NativeLanguage>()
