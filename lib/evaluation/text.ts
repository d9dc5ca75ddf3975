import type { AccuracySummary, EvaluationSummary } from './summary.ts'

/** `accuracy 0.951 ± 0.008 over 5 seeds   n = 90 trials, 95 % interval [0.88, 0.99]   chance 0.533 (p < 1e-15)` */
export function formatAccuracy(accuracy: AccuracySummary): string {
  const spread = accuracy.seeds > 1 ? ` ± ${accuracy.deviation.toFixed(3)} over ${accuracy.seeds} seeds` : ''
  return [
    `accuracy ${accuracy.mean.toFixed(3)}${spread}`,
    `n = ${accuracy.n} ${accuracy.n === 1 ? 'trial' : 'trials'}, ${formatInterval(accuracy)}`,
    `chance ${accuracy.chance.toFixed(3)} (${formatP(accuracy.p)})`,
  ].join('   ')
}

/** `95 % interval [0.88, 0.99]` */
export function formatInterval({ low, high, confidence }: AccuracySummary): string {
  return `${Number((100 * confidence).toPrecision(4))} % interval [${low.toFixed(2)}, ${high.toFixed(2)}]`
}

/** `p = 0.04`, `p = 3e-7` or, below what matters, `p < 1e-15`. */
export function formatP(p: number): string {
  if (p < 1e-15) return 'p < 1e-15'
  return p < 1e-3 ? `p = ${p.toExponential(0)}` : `p = ${p.toFixed(p < 0.0995 ? 3 : 2)}`
}

/** The other figures in one line: `balanced accuracy 0.950   kappa 0.902   macro F1 0.951`. */
export function formatFigures(summary: EvaluationSummary): string {
  const { balancedAccuracy, kappa, macroF1, rocAuc } = summary
  const figures = {
    'balanced accuracy': balancedAccuracy,
    kappa,
    'macro F1': macroF1,
  }
  const words = Object.entries(figures).map(
    ([name, { mean }]) => `${name} ${Number.isFinite(mean) ? mean.toFixed(3) : 'not defined'}`,
  )
  if (rocAuc === undefined) return words.join('   ')
  const { mean, low, high } = rocAuc
  return [...words, `ROC area ${mean.toFixed(3)} [${low.toFixed(2)}, ${high.toFixed(2)}]`].join('   ')
}

/** A line for each subject where there are several: `S003   accuracy 0.750   n = 8 trials, ...`. */
export function formatSubjects({ bySubject }: EvaluationSummary): string[] {
  if (bySubject.length < 2) return []
  const width = Math.max(...bySubject.map(({ subject }) => subject.length))
  return bySubject.map(({ subject, accuracy }) => `${subject.padEnd(width)}   ${formatAccuracy(accuracy)}`)
}
