import { relative, resolve, sep } from 'node:path'
import { z } from 'zod'
import { EegTorchError } from '../errors.ts'
import { findFiles } from '../files/find-files.ts'
import { readYamlFile } from '../files/yaml.ts'
import { isSecondary, openRecording, RECORDING_ENDINGS } from '../recordings/formats.ts'
import type { Recording, RecordingEvent, RecordingMetadata } from '../recordings/recording.ts'
import { ASKED_CONTROLS } from './card.ts'
import type { KnownDataset, Wanted } from './dataset.ts'
import { meaningTask } from './task.ts'

const text = z.string().min(1)
const texts = z.array(text)
const range = z.tuple([z.number(), z.number()]).refine(([from, to]) => from < to, 'must go from less to more')
const TYPES = ['eeg', 'eog', 'ecg', 'emg', 'stim', 'misc'] as const

/** A class of events: its name, or its name and what was shown. */
const meaning = z.union([text, z.strictObject({ class: text, stimulus: text.optional() })])

const descriptionSchema = z.strictObject({
  name: text,
  title: text.optional(),
  files: z.union([text, texts.min(1)]).optional(),
  names: text.optional(),
  unit: text.optional(),
  samplingRate: z.number().positive().optional(),
  channelNames: texts.min(1).optional(),
  rename: z.record(text, text).default({}),
  types: z.record(text, z.enum(TYPES)).default({}),
  bad: texts.default([]),
  channels: texts.min(1).optional(),
  events: z.record(text, meaning).optional(),
  tasks: z.record(text, texts.min(2)).optional(),
  window: range.default([0, 1]),
  band: range.optional(),
  reference: text.optional(),
  source: text.default('your own files'),
  licence: text.default('not stated'),
  citation: text.default('none given'),
  design: z.enum(['random', 'block', 'by run', 'unknown']).default('unknown'),
  controls: z.array(z.enum(ASKED_CONTROLS)).optional(),
  repeats: text.default('not stated'),
  defects: texts.default([]),
  warnings: texts.default([]),
  protocol: text.default('not stated'),
})

/**
 * A folder of recordings in words: which files, whose they are by their names, what their events mean. What it says of design, licence and defects makes
 * the card.
 */
export type DatasetDescription = z.input<typeof descriptionSchema>
type Description = z.output<typeof descriptionSchema>

/** Reads a description. @throws EegTorchError `FILE_NOT_FOUND`, `FILE_INVALID` for what is no YAML, `INVALID_OPTION` */
export async function readDescription(file: string): Promise<DatasetDescription> {
  return checkDescription(await readYamlFile(file, 'description of a data set'), file)
}

function checkDescription(value: unknown, file?: string): Description {
  const result = descriptionSchema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const option = issue.code === 'unrecognized_keys' ? issue.keys[0]! : issue.path.join('.')
  const known =
    issue.code === 'unrecognized_keys' ? `; known are ${Object.keys(descriptionSchema.shape).join(', ')}` : ''
  const what = `option ${option || '(all)'} of the description: ${issue.message}${known}`
  throw new EegTorchError('INVALID_OPTION', what, { option, ...(file !== undefined && { file }) })
}

/** What {@link openDataset} needs, from a description. */
export function describedDataset(value: DatasetDescription): KnownDataset {
  const said = checkDescription(value)
  const classes = [...new Set(Object.values(said.events ?? {}).map((event) => classOf(event).class))]
  const tasks = Object.entries(said.tasks ?? (classes.length > 1 ? { all: classes } : {}))
  for (const [name, members] of tasks) {
    const unknown = members.find((member) => !classes.includes(member))
    if (unknown === undefined) continue
    throw new EegTorchError('INVALID_OPTION', `task ${name} of the description has a class that no event has`, {
      option: `tasks.${name}`,
      expected: `some of ${classes.join(', ') || '(events say none)'}`,
      received: unknown,
    })
  }
  const names = said.names === undefined ? undefined : namePattern(said.names)
  return {
    card: {
      ...{ name: said.name, title: said.title ?? said.name, source: said.source, licence: said.licence },
      ...{ citation: said.citation, design: said.design, repeats: said.repeats, classes, subjects: 'unknown' },
      amount: 'as found in the folder',
      channels: (said.channels?.join(', ') ?? 'as recorded') + (said.reference ? `, against ${said.reference}` : ''),
      samplingRate: said.samplingRate ?? 'as recorded',
      ...{ defects: said.defects, protocol: said.protocol, warnings: said.warnings },
      ...(said.controls && { controls: said.controls }),
      layout: `files that match ${[said.files ?? 'any recording'].flat().join(', ')}`,
    },
    tasks: tasks.map(([name, members]) => meaningTask(name, members)),
    window: said.window,
    ...(said.band !== undefined && { band: said.band }),
    open: (folder, wanted) => openDescribed(said, folder, wanted, names),
  }
}

async function openDescribed(said: Description, folder: string, wanted: Wanted, names?: RegExp): Promise<Recording[]> {
  const files = new Set<string>()
  for (const part of [said.files ?? '.'].flat()) {
    for (const file of await findFiles(resolve(folder, part), RECORDING_ENDINGS)) {
      if (!isSecondary(file, folder)) files.add(file)
    }
  }
  const recordings: Recording[] = []
  for (const file of files) {
    const told = names === undefined ? {} : metadataOf(relative(folder, file), names)
    if (told === undefined || (told.subject !== undefined && !wanted.has(told.subject))) continue
    const { unit, samplingRate, channelNames } = said
    const options = {
      ...(unit !== undefined && { unit }),
      ...(samplingRate !== undefined && { samplingRate }),
      ...(channelNames !== undefined && { channelNames }),
    }
    const recording = (await openRecording(file, options)).withMetadata(told)
    if (recording.subject !== undefined && !wanted.has(recording.subject)) continue
    recordings.push(describe(recording, said))
  }
  return recordings
}

/** Channels and events as the description has them. */
function describe(recording: Recording, { rename, types, bad, channels, events }: Description): Recording {
  const described = recording.describedBy({
    channels: recording.channels.map((channel) => {
      const name = rename[channel.label] ?? rename[channel.name] ?? channel.name
      const type = types[name] ?? types[channel.label] ?? channel.type
      return { ...channel, name, type, ...(bad.includes(name) && { isBad: true }) }
    }),
    ...(events !== undefined && { events: recording.events.map((event) => withMeaning(event, events)) }),
  })
  return channels === undefined ? described : described.pick(channels)
}

function withMeaning(event: RecordingEvent, events: NonNullable<Description['events']>): RecordingEvent {
  const known = events[event.label]
  if (known === undefined) return event
  const { class: meaning, stimulus } = classOf(known)
  return { ...event, meaning, ...(stimulus !== undefined && { stimulus }) }
}

const classOf = (known: z.output<typeof meaning>) =>
  typeof known === 'string' ? { class: known, stimulus: undefined } : known

/** Undefined for a file whose path does not match: it is none of the data set's. */
function metadataOf(file: string, names: RegExp): RecordingMetadata | undefined {
  const groups = names.exec(file.split(sep).join('/'))?.groups
  if (groups === undefined) return undefined
  const { subject, session, run } = groups
  return {
    ...(subject !== undefined && { subject }),
    ...(session !== undefined && { session }),
    ...(run !== undefined && { run }),
  }
}

/** `(?<subject>S\d+)_run(?<run>\d+)`: a regular expression whose groups are named. */
function namePattern(source: string): RegExp {
  const refuse = (received: string, cause?: unknown) =>
    new EegTorchError('INVALID_OPTION', 'the pattern of names is not usable', {
      option: 'names',
      expected:
        'a regular expression with groups called subject, session or run, such as (?<subject>S\\d+)_run(?<run>\\d+)',
      received,
      cause,
    })
  try {
    const pattern = new RegExp(source)
    if (/\(\?<(subject|session|run)>/.test(source)) return pattern
  } catch (cause) {
    throw refuse((cause as Error).message, cause)
  }
  throw refuse(source)
}
