// The eegtorch side of language models: TinyLlama's sizes with random weights.

import { empty, loss, Module, models, optim, randint, randn } from '../../dist/index.js'
import { decode } from '../../dist/language/generate.js'
import { nativeLanguage } from '../../dist/language/native-language.js'
import { Model } from '../../dist/models/model.js'

const PROMPT = 128
/** Of a text, which then begins anew: room for them is made at its beginning. */
const TOKENS = 128
const WIDTH = 2048

/** Reading a prompt; and each token that follows one, which goes on from turn to turn. */
export async function prepareLanguage({ weights, layers }) {
  const model = await makeLlama(weights, layers)
  const embeds = randn([1, PROMPT, WIDTH]).mul(0.02)
  const begin = (maxNewTokens) => decode(model, { embeds }, { maxNewTokens, stopTokens: [], padToken: 0 })
  let going
  let left = 0
  return {
    prefill: () => begin(1).next(),
    decode: async () => {
      if (left === 0) {
        going = begin(TOKENS)
        left = TOKENS
      }
      left--
      return going.next()
    },
  }
}

/** The same million numbers over and over: drawing a thousand times as many takes longer than measuring. */
async function makeLlama(weights, layers) {
  const model = new Model('llama', { weights, numHiddenLayers: layers, newTokens: 0 }, undefined, false).eval()
  const tile = randn([1 << 20]).mul(0.02)
  for (const [name, tensor] of Object.entries(model.stateDict())) {
    if (name.endsWith('norm.weight')) tensor.fill_(1)
    else if (tensor.dtype === 'float32' && tensor.shape.length === 2) fill(tensor, tile)
    tensor.dispose()
  }
  if (weights === 'nf4') await quantise(model, layers, tile)
  tile.dispose()
  return model
}

function fill(tensor, tile) {
  const flat = tensor.view([-1])
  for (let at = 0; at < flat.length; at += tile.length) {
    const n = Math.min(tile.length, flat.length - at)
    flat.narrow(0, at, n).copy_(tile.narrow(0, 0, n))
  }
  flat.dispose()
}

/** As weights of a file become four bits, one by one. */
async function quantise(model, layers, tile) {
  const { hiddenSize, intermediateSize, numAttentionHeads, numKeyValueHeads } = model.config
  const shared = (hiddenSize / numAttentionHeads) * numKeyValueHeads
  const shapes = {
    ...{ 'self_attn.q_proj': [hiddenSize, hiddenSize], 'self_attn.k_proj': [shared, hiddenSize] },
    ...{ 'self_attn.v_proj': [shared, hiddenSize], 'self_attn.o_proj': [hiddenSize, hiddenSize] },
    ...{ 'mlp.gate_proj': [intermediateSize, hiddenSize], 'mlp.up_proj': [intermediateSize, hiddenSize] },
    'mlp.down_proj': [hiddenSize, intermediateSize],
  }
  for (const [name, shape] of Object.entries(shapes)) {
    const dense = empty(shape)
    fill(dense, tile)
    for (let layer = 0; layer < layers; layer++)
      await nativeLanguage.llamaLoad(model.id, `model.layers.${layer}.${name}.weight`, dense.id)
    dense.dispose()
  }
}

/** The loss of words behind embeddings of EEG, of which the adapter learns. */
class Sentences extends Module {
  constructor(model) {
    super()
    this.model = model
  }

  forward(prefixEmbeds, attentionMask, inputIds) {
    return [this.model.run({ prefixEmbeds, inputIds, attentionMask, labels: inputIds }).loss]
  }
}

export function prepareAdapter({ layers, batch, prefix, words }) {
  const model = models.llamaLora({ numHiddenLayers: layers, newTokens: 0 }).train()
  const step = new Sentences(model).trainStep({ loss: loss.output(), optimizer: optim.adamW({ lr: 2e-4 }) })
  const targets = randint(0, 32000, [batch, words])
  const attentionMask = randint(1, 2, [batch, prefix + words])
  const inputs = [randn([batch, prefix, WIDTH]).mul(0.02), attentionMask]
  return { training: () => step({ inputs, targets }) }
}
