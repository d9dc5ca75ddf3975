import { EegTorchError } from '../errors.ts'
import { findKeyword } from './keywords.ts'
import { type TextVocabulary, textVocabularies } from './vocabularies.ts'

/**
 * Labels of a vocabulary for the classes of windows, by their names: `left_hand` is `left hand`.
 *
 * @throws EegTorchError `INVALID_OPTION` for a class that the vocabulary does not know
 */
export function labelsOfClasses(classNames: readonly string[], vocabulary: TextVocabulary): number[] {
  const labels = knownLabels(classNames, vocabulary)
  const unknown = classNames.find((_, i) => labels[i] === undefined)
  if (unknown === undefined) return labels as number[]
  throw new EegTorchError('INVALID_OPTION', `the vocabulary ${vocabulary.name} has no class ${unknown}`, {
    option: 'vocabulary',
    expected: vocabulary.labels.join(', '),
  })
}

/**
 * The vocabulary that knows all of these classes.
 *
 * @throws EegTorchError `INVALID_OPTION` where none does
 */
export function vocabularyOfClasses(classNames: readonly string[]): TextVocabulary {
  const all = Object.values(textVocabularies)
  const found = all.find((vocabulary) => !knownLabels(classNames, vocabulary).includes(undefined))
  if (found !== undefined) return found
  throw new EegTorchError('INVALID_OPTION', 'no vocabulary knows all of these classes', {
    option: 'vocabulary',
    expected: all.map(({ name, labels }) => `${name} (${labels.join(', ')})`).join('; '),
    received: classNames.join(', '),
  })
}

function knownLabels(classNames: readonly string[], vocabulary: TextVocabulary): (number | undefined)[] {
  return classNames.map((name) => findKeyword(name.replaceAll(/[_-]/g, ' '), vocabulary)?.label)
}
