import type { Command } from 'commander'
import type { TensorComparison } from '../verify/compare.ts'
import { findParityCases } from '../verify/parity-case.ts'
import { type CaseResult, verifyCase } from '../verify/verify-case.ts'
import { EXIT } from './program.ts'

export function describe(command: Command): void {
  command
    .description(
      'Run parity cases on the native models, losses and signal operations and compare outputs, gradients and buffers with their references. Exit code 1 when any differs.',
    )
    .argument('<case...>', 'folders of cases, or folders that hold some at any depth')
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch verify test/oracle/cases\n  $ eegtorch verify --json cases/eegnet/0-eval',
    )
    .action(verify)
}

async function verify(paths: string[], { json }: { json?: boolean }): Promise<void> {
  const results: CaseResult[] = []
  for (const folder of await findParityCases(paths)) {
    const result = await verifyCase(folder)
    results.push(result)
    if (!json) console.log(formatCase(result))
  }
  const passed = results.every((result) => result.passed)
  console.log(json ? JSON.stringify({ passed, cases: results }, undefined, 2) : formatSummary(results))
  if (!passed) process.exitCode = EXIT.failed
}

function formatCase({ folder, model, mode, tensors, error }: CaseResult): string {
  const title = [folder, ...(model === undefined ? [] : [`${model} in ${mode} mode`])].join('   ')
  if (error !== undefined) return `${title}\n  FAIL  ${error.message}`
  const width = Math.max(...tensors.map(({ name }) => name.length))
  return [title, ...tensors.map((tensor) => formatTensor(tensor, width))].join('\n')
}

function formatTensor({ name, passed, absolute, relative, problem }: TensorComparison, width: number): string {
  const verdict = passed ? 'pass' : 'FAIL'
  const numbers = problem ?? `abs ${formatNumber(absolute)}   rel ${formatNumber(relative)}`
  return `  ${verdict}  ${name.padEnd(width)}   ${numbers}`
}

function formatNumber(value: number | null): string {
  return value === null ? '-      ' : value.toExponential(1).padEnd(7)
}

function formatSummary(results: readonly CaseResult[]): string {
  const passed = results.filter((result) => result.passed).length
  const tensors = results.flatMap(({ folder, tensors }) => tensors.map((tensor) => ({ ...tensor, folder })))
  const summary = `${passed} of ${results.length} cases passed, ${tensors.length} tensors`
  const worst = tensors.reduce<(typeof tensors)[number] | undefined>(
    (most, tensor) => ((tensor.ratio ?? -1) > (most?.ratio ?? -1) ? tensor : most),
    undefined,
  )
  if (worst?.ratio == null) return summary
  return `${summary}; the largest difference is ${worst.ratio.toPrecision(2)} of its tolerance (${worst.name} in ${worst.folder})`
}
