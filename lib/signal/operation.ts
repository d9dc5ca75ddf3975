import { snakeCase } from '../names.ts'
import { type AnyOperator, asyncOps, ops } from '../ops/index.ts'
import { translateOptionError, translatingErrors } from '../ops/option-errors.ts'

/** One call of an operator of `cpp/signal`: what it is given, and what is made of its result. */
export interface Operation<Result> {
  /** Without its namespace: `zscore`. */
  readonly operator: string
  /** Arguments by name in camelCase; `undefined` takes the operator's default. */
  readonly given: Readonly<Record<string, unknown>>
  /** Makes the public result of the operator's tensor, or of its list of them. Default: as it came. */
  readonly finish?: (raw: never) => Result
}

/** Public functions, each of which checks its arguments and says which operator to call. */
type Operations = Readonly<Record<string, (...args: never[]) => Operation<unknown>>>

type ArgumentsOf<F> = F extends (...args: infer Args) => unknown ? Args : never
type ResultOf<F> = F extends (...args: never[]) => Operation<infer Result> ? Result : never

/** The functions as they are called, with their results. */
export type Synchronous<T> = { [K in keyof T]: (...args: ArgumentsOf<T[K]>) => ResultOf<T[K]> }

/** The functions as they are called, with promises of their results. */
export type Asynchronous<T> = { [K in keyof T]: (...args: ArgumentsOf<T[K]>) => Promise<ResultOf<T[K]>> }

const operators = ops.namespace('eegtorch')
const asyncOperators = asyncOps.namespace('eegtorch')

/** The functions, run where they are called. */
export function synchronous<T extends Operations>(operations: T): Synchronous<T> {
  const run = (describe: () => Operation<unknown>) => {
    const { operator, given, finish } = describe()
    const raw = translatingErrors(
      () => referenceNames(given),
      () => operators[operator]!(given),
    )
    return finish === undefined ? raw : finish(raw as never)
  }
  return mapped(operations, run) as Synchronous<T>
}

/**
 * The functions, run on the compute thread in the order of the calls. Wrong arguments reject.
 *
 * @param signal calls that have not begun when it is aborted reject with `CANCELLED`
 */
export function asynchronous<T extends Operations>(operations: T, signal?: AbortSignal): Asynchronous<T> {
  const known = signal === undefined ? asyncOperators : asyncOps.namespace('eegtorch', signal)
  const run = async (describe: () => Operation<unknown>) => {
    const { operator, given, finish } = describe()
    const raw = await settled(known[operator]!, given)
    return finish === undefined ? raw : finish(raw as never)
  }
  return mapped(operations, run) as Asynchronous<T>
}

async function settled(operator: AnyOperator, given: Operation<unknown>['given']): Promise<unknown> {
  try {
    return await operator(given)
  } catch (error) {
    throw translateOptionError(error, referenceNames(given))
  }
}

function mapped(operations: Operations, run: (describe: () => Operation<unknown>) => unknown): object {
  return Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [name, (...args: never[]) => run(() => operation(...args))]),
  )
}

/** As C++ spells them: `sampling_rate`. */
function referenceNames(given: Operation<unknown>['given']): string[] {
  return Object.keys(given).map(snakeCase)
}
