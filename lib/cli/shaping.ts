/** Where a training computes, how often it is saved and what is scored beside it: its numbers do not come from these. */
const BESIDE: readonly string[] = [
  ...['threads', 'device', 'resident'],
  ...['checkpointSteps', 'checkpointSeconds', 'checkpointEpochs', 'keepEvery'],
  ...['baselines', 'permutations', 'retrainings', 'controls'],
]

/**
 * The options of a configuration that trainings come from, in their order.
 *
 * @param known options that are told in another way: by what they name, or by the windows
 */
export function shapingOptions(config: object, known: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).filter(([option]) => !BESIDE.includes(option) && !known.includes(option)),
  )
}
