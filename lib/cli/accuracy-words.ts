import type { KeywordAccuracy } from '../language/keywords.ts'

/** `30.0 % of 20 (95 %: 11.9 % to 54.3 %; chance 10.0 %)` */
export function accuracyWords({ accuracy, total, interval, chance }: KeywordAccuracy): string {
  const share = (value: number) => `${(100 * value).toFixed(1)} %`
  return `${share(accuracy)} of ${total} (95 %: ${share(interval.low)} to ${share(interval.high)}; chance ${share(chance)})`
}
