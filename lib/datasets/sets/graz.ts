import { EegTorchError } from '../../errors.ts'
import { numbersOf } from '../../recordings/binary/sample-types.ts'
import { openRecording } from '../../recordings/formats.ts'
import { readMatFile } from '../../recordings/matlab/mat-file.ts'
import type { MatValue } from '../../recordings/matlab/values.ts'
import type { Channel, ChannelType, Recording, RecordingEvent } from '../../recordings/recording.ts'
import type { RemoteDataset, Wanted } from '../dataset.ts'
import { matchFiles } from '../open-files.ts'
import { partOfRecording } from '../part-of-recording.ts'
import type { Task } from '../task.ts'
import { readGrazMat } from './graz-mat.ts'

/** What the two motor-imagery sets of Graz in BCI Competition IV have in common, and where they differ. */
export interface GrazLayout {
  /** `(A0\d)([TE])`: the base name of a session's file; groups are subject and session. */
  readonly base: string
  readonly channels: readonly (readonly [name: string, type: ChannelType])[]
  /** By event code. */
  readonly classes: Readonly<Record<string, string>>
  /** Seconds from the start of a trial to its cue. */
  readonly cue: number
  /** Seconds of a trial. */
  readonly trial: number
  /** Whether a MATLAB file holds the runs of one session, or a session in each item. */
  readonly matItems: 'runs' | 'sessions'
}

const HOSTS = ['https://bnci-horizon-2020.eu/database/data-sets', 'https://lampx.tugraz.at/~bci/database']

/** Event codes of BioSig, as both sets use them. */
const CODES: { trial: '768'; unknownCue: '783'; rejected: '1023'; run: '32766' } = {
  trial: '768',
  unknownCue: '783',
  rejected: '1023',
  run: '32766',
}
const MEANINGS: Readonly<Record<string, string>> = {
  '276': 'eyes open',
  '277': 'eyes closed',
  '768': 'start of trial',
  '781': 'feedback',
  '783': 'cue of unknown class',
  '1023': 'rejected trial',
  '1072': 'eye movements',
  '1077': 'horizontal eye movement',
  '1078': 'vertical eye movement',
  '1079': 'eye rotation',
  '1081': 'eye blinks',
  '32766': 'start of run',
}
/** Where every channel repeats one value for so long, nothing was recorded: the gaps between runs are written so. */
const GAP_SAMPLES = 10
/** Samples that are looked at to find where a run ends. */
const TAIL_SAMPLES = 1000

/** Opens the sessions in a folder, in the order in which they took place: `.gdf` with the published labels beside, else `.mat`. */
export async function openGraz(folder: string, wanted: Wanted, layout: GrazLayout): Promise<Recording[]> {
  const pattern = new RegExp(`(?:^|/)${layout.base}\\.(gdf|mat)$`, 'i')
  const files = await matchFiles(folder, pattern, ([, subject]) => wanted.has(subject!.toUpperCase()))
  const sessions = new Map<string, { gdf?: string; mats: string[]; subject: string; session: string }>()
  for (const { file, match } of files) {
    const [subject, session, ending] = match.slice(1).map((part) => part.toUpperCase()) as [string, string, string]
    const key = `${subject}${session}`
    const known = sessions.get(key) ?? { mats: [], subject, session }
    sessions.set(key, ending === 'GDF' ? { ...known, gdf: file } : { ...known, mats: [...known.mats, file] })
  }
  const withGdf = new Set([...sessions.values()].flatMap(({ gdf, subject }) => (gdf === undefined ? [] : subject)))
  const recordings: Recording[] = []
  for (const { gdf, mats, subject, session } of [...sessions.values()].sort(byTime)) {
    if (gdf !== undefined) recordings.push(...(await openGdfSession(gdf, mats, { subject, session }, layout)))
    // Where a file holds several sessions, their .gdf files say the same.
    else if (layout.matItems === 'runs' || !withGdf.has(subject))
      for (const mat of mats) recordings.push(...readGrazMat(mat, { subject, session }, layout))
  }
  return recordings
}

/** Training sessions (T) took place before the evaluation sessions (E) of a subject; numbers within each have two digits. */
function byTime(a: { subject: string; session: string }, b: { subject: string; session: string }): number {
  const place = ({ subject, session }: typeof a) => `${subject} ${session.endsWith('T') ? 0 : 1} ${session}`
  return place(a) < place(b) ? -1 : 1
}

/**
 * The sessions of nine subjects on the hosts of BNCI Horizon 2020.
 *
 * @param set its folder there
 * @param subject begins the names of files: `A`
 */
export function grazRemote(set: string, subject: string, bytes: number): RemoteDataset {
  return {
    subjects: Array.from({ length: 9 }, (_, i) => `${subject}0${i + 1}`),
    bytes,
    checksums: 'none published: only lengths are checked',
    files: async (subjects) =>
      subjects.flatMap((name) =>
        ['T', 'E'].map((session) => ({
          path: `${name}${session}.mat`,
          urls: HOSTS.map((host) => `${host}/${set}/${name}${session}.mat`),
        })),
      ),
  }
}

/** A task of some of the classes; with `isClean`, without trials that the publishers marked as artefacts. */
export function grazTask(name: string, classNames: readonly string[], isClean: boolean): Task {
  return {
    name,
    classNames,
    label(event, { events }) {
      if (event.meaning === undefined || !classNames.includes(event.meaning)) return undefined
      const isInside = ({ label, onset, duration }: RecordingEvent) =>
        label === CODES.rejected && onset <= event.onset && event.onset < onset + duration
      return isClean && events.some(isInside) ? undefined : event.meaning
    },
  }
}

async function openGdfSession(
  file: string,
  mats: readonly string[],
  whose: { subject: string; session: string },
  layout: GrazLayout,
): Promise<Recording[]> {
  const whole = await openRecording(file, { unit: 'uV' })
  if (whole.channels.length !== layout.channels.length) {
    throw new EegTorchError('FILE_INVALID', 'has not the channels of the data set', {
      file,
      expected: `${layout.channels.length}`,
      received: `${whole.channels.length}`,
    })
  }
  const labels = labelsBeside(mats)
  const warnings = [...whole.warnings]
  const events = withClasses(whole, labels, layout, warnings)
  const channels = namedChannels(whole.channels, layout)
  const starts = events.filter(({ label }) => label === CODES.run).map(({ sample }) => sample)
  const bounds = [...(starts[0] === 0 ? [] : [0]), ...starts]
  let run = 0
  return bounds.flatMap((start, i) => {
    const stop = endOfRun(whole, start, bounds[i + 1] ?? whole.nSamples)
    if (stop <= start) return []
    const inside = events.filter(({ sample }) => sample >= start && sample < stop)
    const block = inside.find(({ label }) => MEANINGS[label]?.startsWith('eye'))
    const hasTrials = inside.some(({ label }) => label === CODES.trial)
    const name = hasTrials ? String(++run) : (block?.meaning ?? `without trials ${i + 1}`)
    return partOfRecording(whole, {
      ...{ ...whose, run: name, part: `run ${i + 1}`, name: `${whole.name} run ${name}` },
      ...{ start, stop, events, channels, warnings },
    })
  })
}

/** Names and types by position: the files call most channels only `EEG`. */
function namedChannels(channels: readonly Channel[], { channels: names }: GrazLayout): Channel[] {
  return channels.map((channel, i) => ({ ...channel, name: names[i]![0], type: names[i]![1], unit: 'V' }))
}

/** True classes of an evaluation session, from the file that was published after the competition; undefined where it is not there. */
function labelsBeside(mats: readonly string[]): { file: string; codes: number[] } | undefined {
  for (const file of mats) {
    const value: MatValue | undefined = readMatFile(file).get('classlabel')
    if (value?.kind === 'numbers') return { file, codes: [...numbersOf(value.bytes, value.type, value.littleEndian)] }
  }
  return undefined
}

function withClasses(
  whole: Recording,
  labels: { file: string; codes: number[] } | undefined,
  { classes }: GrazLayout,
  warnings: string[],
): RecordingEvent[] {
  const codes = Object.keys(classes)
  const unknown = whole.events.filter(({ label }) => label === CODES.unknownCue)
  if (unknown.length > 0 && labels === undefined) {
    warnings.push(
      `${whole.name} is an evaluation session, and its true labels are missing: put ${whole.name}.mat of true_labels.zip beside it.`,
    )
  }
  if (unknown.length > 0 && labels !== undefined && labels.codes.length !== unknown.length) {
    throw new EegTorchError('FILE_INVALID', `has not as many labels as ${whole.name} has trials`, {
      file: labels.file,
      expected: `${unknown.length}`,
      received: `${labels.codes.length}`,
    })
  }
  let next = 0
  return whole.events.map((event) => {
    const code = event.label === CODES.unknownCue ? codes[(labels?.codes[next++] ?? 0) - 1] : event.label
    const known = classes[code ?? '']
    if (known !== undefined) return { ...event, label: code!, meaning: known }
    const meaning = MEANINGS[event.label]
    return meaning === undefined ? event : { ...event, meaning }
  })
}

/** Where a run ends: before the constant samples that fill the gap to the next one. */
function endOfRun(whole: Recording, start: number, limit: number): number {
  const from = Math.max(start, limit - TAIL_SAMPLES)
  const samples = whole.readSamples(from, limit)
  const isLike = (a: number, b: number) => a === b || (Number.isNaN(a) && Number.isNaN(b))
  let length = 0
  while (
    length < limit - from &&
    samples.every((values) => isLike(values[values.length - 1 - length]!, values.at(-1)!))
  ) {
    length++
  }
  return length >= GAP_SAMPLES ? limit - length : limit
}
