import { fromTypedArray, zeros } from '../creation.ts'
import { decode } from '../language/generate.ts'
import type { LlamaModel } from '../language/load-llama.ts'
import type { ModelName } from '../models/configs.generated.ts'
import type { Model, NamedTensors } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'

/** What answers a case whose outputs are more than its network's own. */
export interface LanguageCase {
  /** The registry's name. */
  network: ModelName
  run: (model: Model, inputs: NamedTensors) => Promise<NamedTensors>
}

/** Tokens that a case appends greedily. */
const NEW_TOKENS = 12
const languageModel = (network: 'llama' | 'llama_lora'): LanguageCase => ({ network, run: runLlama })

/** By the oracle's names. */
export const languageCases: Readonly<Record<string, LanguageCase>> = {
  llama: languageModel('llama'),
  llama_lora: languageModel('llama_lora'),
  nf4: { network: 'nf4_linear', run: runNf4 },
}

async function runLlama(model: Model, inputs: NamedTensors): Promise<NamedTensors> {
  const outputs = (await model.runAsync(inputs as never)) as NamedTensors
  return { ...outputs, generated: await continued(model as LlamaModel, inputs) }
}

/** (texts, NEW_TOKENS), filled up with the padding token. */
async function continued(model: LlamaModel, { inputIds, prefixEmbeds, attentionMask }: NamedTensors): Promise<Tensor> {
  const { eosTokenId, padTokenId } = model.config
  const beginning = { words: inputIds!, prefix: prefixEmbeds!, mask: attentionMask! }
  const options = { maxNewTokens: NEW_TOKENS, stopTokens: [eosTokenId], padToken: padTokenId }
  const texts = inputIds!.shape[0]!
  const tokens = new BigInt64Array(texts * NEW_TOKENS).fill(BigInt(padTokenId))
  let column = 0
  for await (const next of decode(model, beginning, options)) {
    for (const [row, token] of next.entries()) tokens[row * NEW_TOKENS + column] = BigInt(token)
    column++
  }
  return fromTypedArray(tokens, { shape: [texts, NEW_TOKENS] })
}

/** The tensors of a checkpoint in four bits, the offset of their scales, and the weights that they stand for. */
async function runNf4(model: Model, inputs: NamedTensors): Promise<NamedTensors> {
  const { output } = (await model.runAsync(inputs as never)) as NamedTensors
  const { bias: _, 'weight.nested_offset': offset = zeros([]), ...codes } = model.stateDict()
  const [dequantised] = await model.callAsync('dequantise', [])
  return { ...codes, offset, dequantised: dequantised!, output: output! }
}
