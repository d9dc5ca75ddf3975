import { EegTorchError } from '../errors.ts'
import type { ModelName } from '../models/configs.generated.ts'
import { Model, type NamedTensors } from '../models/model.ts'
import { nativeModels } from '../models/native-models.ts'
import { fromReferenceNames } from '../models/option-names.ts'
import type { Tensor } from '../tensor.ts'
import { LossOperator } from '../training/loss-operator.ts'
import { languageCases } from './language-cases.ts'
import { METRIC, runMetric } from './metric-cases.ts'
import type { ParityCase } from './parity-case.ts'
import { findScheduler } from './scheduler-cases.ts'
import { runSignal, SIGNAL } from './signal-cases.ts'

/** What a parity case is about. Inputs and outputs are named in camelCase, weights as in the reference. */
export interface Subject extends Disposable {
  loadStateDict(weights: ReadonlyMap<string, Tensor>): void
  parameters(): NamedTensors
  buffers(): NamedTensors
  run(inputs: NamedTensors): Promise<NamedTensors>
}

/** The model, loss, scheduler, measure of pictures or operation on signals that a case names, in the case's mode. @throws EegTorchError `UNKNOWN_NAME`, `INVALID_OPTION` */
export function makeSubject({ model, config, mode }: ParityCase): Subject {
  if (model === METRIC) return withoutWeights(model, (inputs) => runMetric(config, inputs))
  if (model === SIGNAL) return withoutWeights(model, (inputs) => runSignal(config, inputs))
  const scheduler = findScheduler(model)
  if (scheduler !== undefined) return withoutWeights(model, async (inputs) => scheduler(config, inputs))
  const loss = LossOperator.find(model)
  return loss === undefined ? modelSubject(model, config, mode) : lossSubject(loss, config)
}

function modelSubject(name: string, config: ParityCase['config'], mode: ParityCase['mode']): Subject {
  const { network, run } = (Object.hasOwn(languageCases, name) && languageCases[name]) || {
    network: name as ModelName,
    run: async (model: Model, inputs: NamedTensors) => (await model.runAsync(inputs as never)) as NamedTensors,
  }
  const model = new Model(network, config).train(mode === 'train')
  if (mode === 'train') nativeModels.modelSilenceDropout(model.id)
  return {
    loadStateDict: (weights) => model.loadStateDict(weights),
    parameters: () => model.parameters(),
    buffers: () => model.buffers(),
    run: (inputs) => run(model as Model, inputs),
    [Symbol.dispose]: () => model.dispose(),
  }
}

function lossSubject(loss: LossOperator, config: ParityCase['config']): Subject {
  const options = fromReferenceNames(config)
  return withoutWeights(loss.name, async (inputs) => loss.run({ ...inputs, ...options }))
}

function withoutWeights(name: string, run: Subject['run']): Subject {
  return {
    loadStateDict: (weights) => refuseWeights(name, weights),
    parameters: () => ({}),
    buffers: () => ({}),
    run,
    [Symbol.dispose]: () => {},
  }
}

function refuseWeights(name: string, weights: ReadonlyMap<string, Tensor>): void {
  if (weights.size === 0) return
  throw new EegTorchError('CHECKPOINT_MISMATCH', `${name} has no weights; unexpected ${[...weights.keys()].join(', ')}`)
}
