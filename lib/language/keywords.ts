import { z } from 'zod'
import { binomialTest, chanceLevel, clopperPearson } from '../evaluation/statistics.ts'
import type { TextVocabulary } from './vocabularies.ts'

/** What a sentence was reduced to. */
export interface FoundKeyword {
  /** The word of the sentence. */
  keyword: string
  /** Index in the vocabulary's labels. */
  label: number
  /** What an image model is asked to draw. */
  prompt: string
}

/** {@link KeywordAccuracy}, as files hold it. */
export const accuracySchema = z.object({
  correct: z.number(),
  total: z.number(),
  accuracy: z.number(),
  /** Sentences in which no keyword stands. */
  without: z.number(),
  /** Guessing the most frequent label. */
  chance: z.number(),
  /** 95 %, Clopper and Pearson. */
  interval: z.object({ low: z.number(), high: z.number() }),
  /** Probability of so many right answers, or more, by chance. */
  p: z.number(),
})

/** How often the keyword of a sentence told the right label. A sentence without a keyword is wrong. */
export type KeywordAccuracy = z.infer<typeof accuracySchema>

/**
 * Reduces a sentence to a keyword: the label with most of its keywords in it, as whole words in any case; of several the one that is named first.
 *
 * @returns undefined where no keyword stands in it
 */
export function findKeyword(sentence: string, { keywords, prompts }: TextVocabulary): FoundKeyword | undefined {
  const found = keywords.flatMap((words, label) => {
    const places = words.map((word) => ({ word, at: mentionOf(word, sentence) })).filter(({ at }) => at >= 0)
    const first = places.reduce((a, b) => (a.at <= b.at ? a : b), places[0] ?? { word: '', at: -1 })
    return places.length === 0 ? [] : [{ label, count: places.length, at: first.at, keyword: first.word }]
  })
  found.sort((a, b) => b.count - a.count || a.at - b.at || a.label - b.label)
  const [best] = found
  return best && { keyword: best.keyword, label: best.label, prompt: prompts[best.label]! }
}

/** Where a word begins in a sentence, in the singular or plural; -1 where it does not stand. */
function mentionOf(word: string, sentence: string): number {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return sentence.search(new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?:s|es)?(?![\\p{L}\\p{N}])`, 'iu'))
}

/**
 * Compares what sentences were reduced to with the true labels.
 *
 * @param found labels, undefined where no keyword was found
 * @param truth of the same trials, at least one
 */
export function keywordAccuracy(found: readonly (number | undefined)[], truth: readonly number[]): KeywordAccuracy {
  const total = truth.length
  const correct = truth.filter((label, i) => found[i] === label).length
  const counts = new Map<number, number>()
  for (const label of truth) counts.set(label, (counts.get(label) ?? 0) + 1)
  const chance = chanceLevel([...counts.values()])
  return {
    correct,
    total,
    accuracy: correct / total,
    without: found.filter((label) => label === undefined).length,
    chance,
    interval: clopperPearson(correct, total),
    p: binomialTest(correct, total, chance),
  }
}
