export { EegTorchError, type ErrorCode, type ErrorDetails } from './errors.ts'
export {
  accuracy,
  balancedAccuracy,
  type ClassificationMetrics,
  type ClassMetrics,
  type ConfusionMatrix,
  classificationMetrics,
  cohenKappa,
  confusionMatrix,
  macroF1,
  perClassMetrics,
  rocAuc,
} from './evaluation/metrics.ts'
export { binomialTest, chanceLevel, clopperPearson, type Interval, wilsonInterval } from './evaluation/statistics.ts'
