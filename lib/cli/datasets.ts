import type { Command } from 'commander'
import { formatCard } from '../datasets/card.ts'
import { findOrDescribe } from '../datasets/open-dataset.ts'
import { knownDatasets } from '../datasets/registry.ts'

export function describe(command: Command): void {
  command
    .description(
      'Lists the data sets that are known by name, or shows the card of one: source, licence, design, known defects, protocol.',
    )
    .argument('[name]', 'a data set, or a YAML file that describes one')
    .option('--json', 'print cards as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ eegtorch datasets\n  $ eegtorch datasets bcic-iv-2a\n  $ eegtorch datasets my-study.yaml',
    )
    .action(datasets)
}

async function datasets(name: string | undefined, { json = false }: { json?: boolean }): Promise<void> {
  if (name === undefined) {
    const cards = knownDatasets.map(({ card }) => card)
    if (json) console.log(JSON.stringify(cards))
    else
      console.log(
        listOf(knownDatasets.map(({ card, remote }) => [card.name, card.title, remote ? 'fetch' : 'by hand'])),
      )
    return
  }
  const known = await findOrDescribe(name)
  const tasks = known.tasks.map((task) => task.name)
  if (json) console.log(JSON.stringify({ ...known.card, tasks, window: known.window, band: known.band }))
  else {
    console.log(formatCard(known.card))
    if (tasks.length > 0) console.log(`tasks: ${tasks.join(', ')}`)
  }
}

function listOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
