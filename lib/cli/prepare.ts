import { relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { createAtomically } from '../files/atomic.ts'
import { isLmdb } from '../lmdb/lmdb-file.ts'
import { prepareStore } from '../prepare/prepare-store.ts'
import { writeStore } from '../prepare/write-store.ts'
import { LiveLine } from '../progress/live-line.ts'
import { openStore } from '../store/open-store.ts'
import { isPickledLmdb, openPickledLmdb } from '../store/pickled-lmdb.ts'
import { withDataset } from './config-dataset.ts'
import { pipelineOf, trialsOf } from './config-pipeline.ts'
import { type OptionSource, writtenAs } from './option-source.ts'
import { checkPrepare, type PrepareConfig, prepareSchema } from './prepare-config.ts'
import { type AddedStimuli, addStimuli } from './prepare-stimuli.ts'
import { saidFlags } from './said-flags.ts'
import { addFlags } from './shared-flags.ts'
import { readConfigFile } from './train-config.ts'
import { untilInterrupted } from './until-interrupted.ts'

interface Flags extends Record<string, unknown> {
  out: string
  json?: boolean
}

export function describe(command: Command): void {
  addFlags(command, prepareSchema.shape)
    .description(
      'Run a preprocessing pipeline over recordings, and keep the windows in a store that train, evaluate and sweep take as data. ' +
        'Called again after a kill, it repeats nothing that is finished; a store that is there is never overwritten.',
    )
    .argument('[config]', 'YAML file with these options in camelCase; flags win over it')
    .requiredOption('--out <store>', 'folder of the store, which must not be there')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ eegtorch prepare --data eegmmidb/ --task fists-feet --out fists-feet.store
  $ eegtorch prepare study.yaml --out study.store --workers 8 --sample-type int16
  $ eegtorch prepare --data imagery/ --stimuli pictures/ --targets clip-vit-large-patch14/ --diffusion stable-diffusion-v1-5/ --out imagery.store
  $ eegtorch train eegnet --data fists-feet.store --leave-out subject`,
    )
    .action(prepare)
}

async function prepare(file: string | undefined, { out, json = false, ...flags }: Flags): Promise<void> {
  const written = file === undefined ? {} : await readConfigFile(file)
  const said = { ...written, ...defined(flags) }
  const config = await checkPrepare(await withDataset(said), { file, flags })
  const again = ['eegtorch prepare', file, saidFlags({ out: relative('.', out) || '.', ...flags })]
    .filter(Boolean)
    .join(' ')
  const source = pickledSource(config)
  if (source !== undefined) refuseUnheeded(said, { file, flags })
  const added =
    source === undefined
      ? await untilInterrupted((signal) => prepareRecordings(config, resolve(out), { signal, json, again }))
      : await importPickled(source, resolve(out), config)
  const { header } = openStore(out)
  const { windows, recordings, classNames, skipped } = header
  if (json) {
    console.log(JSON.stringify({ store: out, windows, recordings: recordings.length, classNames, skipped, ...added }))
    return
  }
  const left = skipped === 0 ? '' : `; ${skipped} trials gave no window`
  console.log(`${out}: ${windows} windows of ${recordings.length} recordings, ${classNames.join(', ')}${left}`)
  if (added !== undefined) console.log(describeAdded(added))
}

function describeAdded({ stimuli, targets }: AddedStimuli): string {
  if (targets === undefined) return `${stimuli} stimuli`
  const { images, texts } = targets.cosines
  return `${stimuli} stimuli and their CLIP targets; mean cosine of two classes ${images.toFixed(3)} for pictures, ${texts.toFixed(3)} for texts (near 1 they hardly tell classes apart)`
}

/** What a call is told besides its configuration. */
interface Run {
  signal: AbortSignal
  json: boolean
  /** The command that goes on. */
  again: string
}

async function prepareRecordings(
  config: PrepareConfig,
  out: string,
  { signal, json, again }: Run,
): Promise<AddedStimuli | undefined> {
  const { dataset, data, read, sampleType, workers } = config
  // One line that changes on a terminal, a line for each recording elsewhere.
  using progress = json ? undefined : new LiveLine({ sparse: 0 })
  const warnings: string[] = []
  let added: AddedStimuli | undefined
  try {
    await prepareStore(
      out,
      { data, dataset, read },
      {
        ...trialsOf(config),
        pipeline: (recordings) => pipelineOf(config, recordings),
        ...{ sampleType, workers, signal },
        onProgress: ({ done, recordings, last }) => {
          const what = last === undefined ? '' : `${last.name}: ${last.windows} windows`
          progress?.show((width) => `prepared ${done} of ${recordings} recordings  ${what}`.slice(0, width))
        },
        onWarning: (sentence) => warnings.push(sentence),
        complete: async (folder) => {
          added = await addStimuli(folder, config)
        },
      },
    )
  } catch (error) {
    if (!signal.aborted) throw error
    throw new EegTorchError('CANCELLED', `stopped; go on with: ${again}`, { cause: error })
  } finally {
    progress?.close()
    for (const warning of warnings) console.error(`warning: ${warning}`)
  }
  return added
}

function pickledSource({ dataset, data }: PrepareConfig): string | undefined {
  if (dataset !== undefined) return undefined
  const [path, ...others] = Array.isArray(data) ? data : [data]
  return others.length === 0 && isLmdb(path!) && isPickledLmdb(path!) ? path : undefined
}

/** Options that cut windows of recordings: those of an LMDB folder are cut already. */
const UNHEEDED = [
  ...['task', 'events', 'pipeline', 'window', 'band', 'channels', 'upsample', 'standardise', 'workers'],
  ...['read.unit', 'read.stream', 'read.subject', 'read.session'],
]

/** @throws EegTorchError `INVALID_OPTION` for what was said and would be passed over */
function refuseUnheeded(said: Readonly<Record<string, unknown>>, source: OptionSource): void {
  const saidOf = (path: string) =>
    path.split('.').reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], said)
  const option = UNHEEDED.find((path) => saidOf(path) !== undefined)
  if (option === undefined) return
  const written = writtenAs(option, said, source)
  throw new EegTorchError('INVALID_OPTION', `option ${written.option} has no place where windows were cut already`, {
    ...written,
    expected: 'no such option beside an LMDB folder of CBraMod or CSBrain',
    received: JSON.stringify(saidOf(option)),
  })
}

async function importPickled(path: string, out: string, config: PrepareConfig): Promise<AddedStimuli | undefined> {
  const { read, sampleType } = config
  const { samplingRate, channelNames } = read ?? {}
  const { windows, split } = openPickledLmdb(path, defined({ samplingRate, channelNames }))
  let added: AddedStimuli | undefined
  await createAtomically(out, async (temporary) => {
    await writeStore(temporary, windows, { sampleType, ...(split && { splits: [split] }) })
    added = await addStimuli(temporary, config)
  })
  return added
}
