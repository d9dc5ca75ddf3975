import { join } from 'node:path'
import { z } from 'zod'
import { ones, tensor } from '../creation.ts'
import { LanguageModel } from '../language/language-model.ts'
import type { Model, NamedTensors } from '../models/model.ts'
import type { PipelineRunner } from './pipeline-cases.ts'

const described = z.looseObject({ sentences: z.array(z.string()), chat: z.string(), max_new_tokens: z.number() })

/** TinyLlama with and without its adapter: token ids, logits behind a prefix, and the tokens that follow greedily. */
export const runTinyLlama: PipelineRunner = async (folder, given, expected) => {
  const { sentences, chat, max_new_tokens: maxNewTokens } = described.parse(given)
  const prefix = expected.prefix_embeds!
  const answers: NamedTensors = { prefix_embeds: prefix }
  for (const name of ['base', 'adapter']) {
    using language = await LanguageModel.load(
      join(folder, 'base'),
      name === 'base' ? {} : { adapter: join(folder, name) },
    )
    const ids = [language.tokenizer.encode(chat, { specialTokens: false })]
    const words = tensor(ids, { dtype: 'int64' })
    answers['tokens.sentences'] = ragged(sentences.map((sentence) => language.tokenizer.encode(sentence)))
    answers['tokens.chat'] = words
    const attentionMask = ones([1, prefix.shape[1]! + words.shape[1]!], { dtype: 'int64' })
    const inputs = { prefixEmbeds: prefix, inputIds: words, attentionMask, labels: words }
    const { logits } = await (language.model as Model<'llama'>).runAsync(inputs)
    const [made] = await language.generate({ prefix, ids }, { maxNewTokens })
    answers[`${name}.logits`] = logits
    answers[`${name}.generated`] = tensor([made!.tokens], { dtype: 'int64' })
  }
  return answers
}

/** Rows of unequal length, filled up with -1. */
function ragged(rows: readonly number[][]) {
  const width = Math.max(...rows.map((row) => row.length))
  return tensor(
    rows.map((row) => [...row, ...new Array<number>(width - row.length).fill(-1)]),
    { dtype: 'int64' },
  )
}
