import type { EegWindows } from '../datasets/windows.ts'
import type { Device } from '../dtype.ts'
import { EegEncoder } from '../encoders/eeg-encoder.ts'
import { channelsOf } from '../generation/window-channels.ts'
import type { Tensor } from '../tensor.ts'
import type { Parts } from './subject-parts.ts'

type Encoding = Parameters<typeof channelsOf>[1] & { data: string; encoder: string; device: Device }

/**
 * What is learnt from each part: the encoder is loaded, used once for every trial, and freed before anything else is loaded or trained.
 *
 * @param setOf makes it of the tokens (windows, tokens, width) and their windows
 */
export async function encodeParts<T>(
  { train, validation, test }: Parts<EegWindows>,
  config: Encoding,
  signal: AbortSignal,
  setOf: (tokens: Tensor, windows: EegWindows) => T,
): Promise<Parts<T>> {
  const { data: file, device } = config
  using encoder = await EegEncoder.load(config.encoder, { ...channelsOf(train, config), device })
  const encode = async (windows: EegWindows) => setOf(await encoder.readAll(windows, { file, signal }), windows)
  return {
    train: await encode(train),
    validation: validation && (await encode(validation)),
    test: test && (await encode(test)),
  }
}
