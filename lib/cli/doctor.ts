import type { Command } from 'commander'
import { type Finding, runDoctor } from '../setup/doctor.ts'
import { EXIT } from './program.ts'

export function describe(command: Command): void {
  command
    .description(
      'Say what is installed, what is missing and what to do about it. Exit code 1 when eegtorch cannot work.',
    )
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nExamples:\n  $ eegtorch doctor\n  $ eegtorch doctor --json')
    .action(doctor)
}

async function doctor({ json }: { json?: boolean }): Promise<void> {
  const report = await runDoctor()
  console.log(json ? JSON.stringify(report, undefined, 2) : report.findings.map(format).join('\n'))
  if (!report.ok) process.exitCode = EXIT.failed
}

/** Names that the text does not already begin with. */
const LABELS: Record<string, string> = { cpu: 'CPU   ', gpu: 'GPU   ', addon: 'addon   ', compiler: 'compiler   ' }

function format({ name, state, text, advice }: Finding): string {
  const line = `${LABELS[name] ?? ''}${text}`
  if (state === 'ok' && advice === undefined) return name === 'addon' ? line : markOk(line)
  return advice === undefined ? line : `${line}${state === 'failed' ? `\n  -> ${advice}` : `; ${advice}`}`
}

/** `LibTorch 2.11.0   ok   (where)`: the verdict before the remark. */
function markOk(line: string): string {
  const [found, remark] = line.split('   (', 2)
  return remark === undefined ? `${line}   ok` : `${found}   ok   (${remark}`
}
