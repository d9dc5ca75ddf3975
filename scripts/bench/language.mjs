// The eegtorch side of language models: TinyLlama's sizes with random weights.

import { loss, Module, models, ones, optim, randint, randn, scope } from '../../dist/index.js'
import { decode } from '../../dist/language/generate.js'
import { Model } from '../../dist/models/model.js'

const PROMPT = 128
/** Of a text, which then begins anew: room for them is made at its beginning. */
const TOKENS = 128
const WIDTH = 2048

/** Reading a prompt; and each token that follows one, which goes on from turn to turn. */
export async function prepareLanguage({ weights, layers }) {
  const model = await makeLlama(weights, layers)
  const embeds = randn([1, PROMPT, WIDTH]).mul(0.02)
  const begin = (maxNewTokens) => decode(model, { prefix: embeds }, { maxNewTokens, stopTokens: [], padToken: 0 })
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

/** One row of numbers in every matrix, over and over: drawing them all takes longer than measuring. */
async function makeLlama(weights, layers) {
  const config = { numHiddenLayers: layers }
  const model = new Model('llama', { ...config, weights }, undefined, false).eval()
  // of the same sizes: dense weights become four bits as they are loaded
  const dense = new Model('llama', config, undefined, false)
  const state = dense.stateDict()
  const rows = new Map(Object.entries(state).map(([name, { shape }]) => [name, rowOf(shape)]))
  model.loadStateDict(rows)
  for (const tensor of [...Object.values(state), ...rows.values()]) tensor.dispose()
  dense.dispose()
  return model
}

function rowOf(shape) {
  return shape.length === 1 ? ones(shape) : scope(() => randn([1, shape[1]]).mul(0.02).expand(shape))
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
  const model = models.llamaLora({ numHiddenLayers: layers }).train()
  const step = new Sentences(model).trainStep({ loss: loss.output(), optimizer: optim.adamW({ lr: 2e-4 }) })
  const targets = randint(0, 32000, [batch, words])
  const attentionMask = randint(1, 2, [batch, prefix + words])
  const inputs = [randn([batch, prefix, WIDTH]).mul(0.02), attentionMask]
  return { training: () => step({ inputs, targets }) }
}
