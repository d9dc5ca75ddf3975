import type { NamedTensors } from '../models/model.ts'
import type { Tensor } from '../tensor.ts'

/** Arguments of an operation as the reference names and types them. */
// biome-ignore lint/suspicious/noExplicitAny: they come from a file, and each operation checks its own
export type SignalArgs = Record<string, any>

/** Answers an `eeg_signal` case; outputs have the case's names in camelCase. */
export type SignalCase = (x: Tensor, args: SignalArgs) => Promise<NamedTensors>
