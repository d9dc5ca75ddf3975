import { setImmediate as nextTurn } from 'node:timers/promises'
import { EegTorchError } from '../errors.ts'
import type { ChannelType, Recording, RecordingEvent } from '../recordings/recording.ts'
import { timeOfSample } from '../recordings/segments.ts'
import { upsampleRows } from '../signal/compute-thread.ts'
import { taskOf } from './named-task.ts'
import type { LabelEvent, Task } from './task.ts'
import { allocate, EegWindows, type WindowOrigin, type WindowRecording } from './windows.ts'

/** Which windows to cut. */
export interface WindowOptions {
  /**
   * Which events are trials: their labels; or labels with class names, `{ T1: 'left', T2: 'right' }`; or a function. With a list
   * of labels a class is named by the meaning of the event where the data set is known, else by its label. Default: the usual task
   * of the data set that {@link openDataset} opened, else every event.
   */
  events?: readonly string[] | Readonly<Record<string, string>> | LabelEvent
  /** A task of the data set, of EEGMMIDB (`fists-feet`, `left-right-imagery`), or one of your own, in place of `events`. */
  task?: string | Task
  /** Seconds after the event at which the window, or the first of a trial, starts; may be negative. */
  from: number
  /** Seconds after the event at which the window, or the last of a trial, ends. */
  to: number
  /** Seconds of one window, where a trial gives several; default all of `from..to`. */
  length?: number
  /** Seconds between the starts of two windows of a trial; default `length`. */
  step?: number
  /** Channel names, of whatever type; default every channel of `types`. */
  channels?: readonly string[]
  /** Which channels of the recording's sampling rate, in the recording's order, where `channels` names none; default `['eeg']`. */
  types?: readonly ChannelType[]
  /** Samples of a window for each sample recorded, up to 16, made by a low-pass without delay; default 1. The windows' rate is higher by that factor. */
  upsample?: number
}

const MOST_UPSAMPLING = 16

/**
 * Cuts windows around the events of recordings, one recording at a time. A window has exactly `round((to - from) * samplingRate)` samples and starts
 * `round(from * samplingRate)` samples after the sample of its event. Events too near to an end or a gap give no window and are counted.
 * What {@link Recording.filter} left to do, and upsampling, is done on the compute thread; all else needs no LibTorch.
 *
 * @throws EegTorchError `INVALID_OPTION` if nothing matches, `SHAPE_MISMATCH` if recordings differ in channels or rate
 */
export async function cutWindows(recordings: Iterable<Recording>, options: WindowOptions): Promise<EegWindows> {
  const list = [...recordings]
  const { upsample = 1 } = options
  requireFactor(upsample)
  const { grid, channelNames, plans } = planWindows(list, options)
  const first = list[0]!
  const classNames = orderClasses(plans.flat(), options)
  const windows = plans.flatMap((trials) => trials.flatMap(({ starts }) => starts)).length
  if (windows === 0) throw nothingFits(list, plans.flat().length, options)

  const data = allocate(windows * channelNames.length * grid.nSamples)
  const origins: WindowOrigin[] = []
  for (const [index, recording] of list.entries()) {
    const at = origins.length * channelNames.length * grid.nSamples
    await readPlanned(recording, channelNames, grid.nSamples, plans[index]!, data.subarray(at))
    for (const origin of originsOf(recording, index, plans[index]!, classNames)) origins.push(origin)
  }
  return new EegWindows({
    data: await upsampleRows(data, grid.nSamples, upsample),
    origins,
    recordings: list.map(windowRecording),
    classNames,
    channelNames,
    channelTypes: channelNames.map((name) => first.channels[first.channelIndex(name)]!.type),
    nSamples: grid.nSamples * upsample,
    samplingRate: first.samplingRate * upsample,
    step: grid.step * upsample,
    simulated: list.some(({ simulated }) => simulated),
    skipped: skippedTrials(plans.flat()),
  })
}

/** What will be cut, before a sample is read. */
export interface WindowPlan {
  grid: WindowGrid
  channelNames: string[]
  /** Trials of each recording. */
  plans: PlannedTrial[][]
}

/** Lays windows over recordings that agree in channels and rate. Errors are those of {@link cutWindows}, but nothing may fit. */
export function planWindows(list: readonly Recording[], options: WindowOptions): WindowPlan {
  const first = list[0]
  if (first === undefined) throw new EegTorchError('INVALID_OPTION', 'there are no recordings to cut windows from')
  const grid = layGrid(options, first.samplingRate)
  const channelNames = chooseChannels(first, options)
  return {
    grid,
    channelNames,
    plans: list.map((recording) => planRecording(recording, channelNames, grid, options, first)),
  }
}

/** Numbers that are read in one turn of the event loop. */
const PIECE = 1 << 20

/** Reads the planned windows of a recording, (windows, channels, samples), into the front of `target`. A filtered recording is filtered once, as a whole. */
export async function readPlanned(
  recording: Recording,
  channelNames: readonly string[],
  nSamples: number,
  plan: readonly PlannedTrial[],
  target: Float32Array | Float64Array,
): Promise<void> {
  const starts = plan.flatMap((trial) => trial.starts)
  if (starts.length === 0) return
  const signal = await recording.pick(channelNames).ready()
  const size = channelNames.length * nSamples
  const perTurn = Math.ceil(PIECE / size)
  for (const [i, start] of starts.entries()) {
    const rows = signal.readSamples(start, start + nSamples)
    for (const [channel, values] of rows.entries()) target.set(values, i * size + channel * nSamples)
    if ((i + 1) % perTurn === 0) await nextTurn()
  }
}

/** Where the planned windows of a recording come from. */
export function originsOf(
  recording: Recording,
  index: number,
  plan: readonly PlannedTrial[],
  classNames: readonly string[],
): WindowOrigin[] {
  return plan.flatMap(({ trial, event: { stimulus }, className, starts }) => {
    const label = classNames.indexOf(className)
    return starts.map((start) => {
      const onset = timeOfSample(recording.segments, recording.samplingRate, start)
      return { recording: index, trial, onset, start, label, ...(stimulus !== undefined && { stimulus }) }
    })
  })
}

/** Trials that give no window. */
export const skippedTrials = (trials: readonly PlannedTrial[]) =>
  trials.filter(({ starts }) => starts.length === 0).length

/** What windows remember of a recording. */
export function windowRecording({ name, identity, subject, session, run, dataset }: Recording): WindowRecording {
  return { name, identity, subject, session, run, ...(dataset !== undefined && { dataset }) }
}

/** Starts of the windows of a trial, relative to its event, and their length; in samples. */
export interface WindowGrid {
  nSamples: number
  step: number
  starts: number[]
}

function layGrid({ from, to, length, step }: WindowOptions, rate: number): WindowGrid {
  if (!(Number.isFinite(from) && Number.isFinite(to) && from < to)) {
    throw badOption('from', 'from < to, in seconds after the event', `${from}..${to}`)
  }
  if (step !== undefined && length === undefined) throw badOption('length', 'a length when step is given', 'nothing')
  const span = Math.round((to - from) * rate)
  const nSamples = length === undefined ? span : Math.round(length * rate)
  const stride = step === undefined ? nSamples : Math.round(step * rate)
  if (!(nSamples >= 1 && nSamples <= span)) {
    throw badOption('length', `one sample (${1 / rate} s) up to ${to - from} s`, `${length ?? to - from} s`)
  }
  if (!(stride >= 1)) throw badOption('step', `at least one sample (${1 / rate} s)`, `${step} s`)
  const first = Math.round(from * rate)
  const count = Math.floor((span - nSamples) / stride) + 1
  return { nSamples, step: stride, starts: Array.from({ length: count }, (_, i) => first + i * stride) }
}

/** An event that is a trial, with its class. */
export interface ClassedTrial {
  readonly event: RecordingEvent
  readonly className: string
  /** What makes it a trial, where that is a task. */
  readonly task?: Task
}

/** A trial with its number and the first samples of its windows; none where an end or a gap cuts it. */
export interface PlannedTrial extends ClassedTrial {
  readonly trial: number
  readonly starts: readonly number[]
}

function planRecording(
  recording: Recording,
  channelNames: readonly string[],
  grid: WindowGrid,
  options: WindowOptions,
  first: Recording,
): PlannedTrial[] {
  const task = chooseTask(recording, options)
  const classOf = task?.label ?? labeller(options)
  const trials: PlannedTrial[] = []
  for (const [index, event] of recording.events.entries()) {
    const className = classOf(event, recording)
    if (className === undefined) continue
    const starts = event.sample < 0 ? [] : grid.starts.map((offset) => event.sample + offset)
    const whole = starts.every((start) => recording.isContiguous(start, start + grid.nSamples))
    trials.push({ trial: index + 1, event, className, starts: whole ? starts : [], ...(task && { task }) })
  }
  if (trials.length > 0) requireRecorded(recording, channelNames, first)
  return trials
}

function requireFactor(upsample: number): void {
  if (Number.isInteger(upsample) && upsample >= 1 && upsample <= MOST_UPSAMPLING) return
  throw badOption('upsample', `a whole number from 1 to ${MOST_UPSAMPLING}`, `${upsample}`)
}

function chooseTask({ dataset }: Recording, { events, task }: WindowOptions): Task | undefined {
  if (task !== undefined && events !== undefined) throw badOption('task', 'either task or events', 'both')
  return events === undefined ? taskOf(task, dataset) : undefined
}

function labeller({ events }: WindowOptions): LabelEvent {
  if (typeof events === 'function') return events
  if (events === undefined) return (event) => event.meaning ?? event.label
  if (Array.isArray(events)) {
    return (event) => (events.includes(event.label) ? (event.meaning ?? event.label) : undefined)
  }
  const names = new Map(Object.entries(events))
  return (event) => names.get(event.label)
}

/** Classes in the order of the task or of the labels given; meanings of one label, and classes without an order, by name. */
export function orderClasses(
  trials: readonly ClassedTrial[],
  { events, task }: Pick<WindowOptions, 'events' | 'task'>,
): string[] {
  const known = typeof task === 'object' ? task : trials.find((trial) => trial.task !== undefined)?.task
  if (known !== undefined) return [...known.classNames]
  const order = Array.isArray(events) ? events : typeof events === 'object' ? Object.keys(events) : []
  const rank = new Map<string, number>()
  for (const { className, event } of trials) {
    const place = order.indexOf(event.label)
    rank.set(className, Math.min(rank.get(className) ?? Number.POSITIVE_INFINITY, place < 0 ? order.length : place))
  }
  return [...rank].sort(([a, i], [b, k]) => i - k || (a < b ? -1 : 1)).map(([name]) => name)
}

function chooseChannels(recording: Recording, { channels: wanted, types = ['eeg'] }: WindowOptions): string[] {
  if (wanted !== undefined) {
    if (wanted.length === 0) throw badOption('channels', 'at least one channel', 'an empty list')
    return wanted.map((name) => recording.channels[recording.channelIndex(name)]!.name)
  }
  const sampled = recording.channels.filter(({ samplingRate }) => samplingRate === recording.samplingRate)
  const names = sampled.filter(({ type }) => types.includes(type)).map(({ name }) => name)
  if (names.length > 0) return names
  const found = [...new Set(sampled.map(({ type }) => type))].join(', ')
  throw badOption(
    'channels',
    `channel names, or types among ${found}, as no channel has the type ${types.join(' or ')}`,
    'nothing',
  )
}

/** Refuses a recording that cannot give the windows that another gives. */
function requireRecorded(recording: Recording, channelNames: readonly string[], first: Recording): void {
  if (recording.samplingRate !== first.samplingRate) {
    throw new EegTorchError('SHAPE_MISMATCH', `${recording.name} has another sampling rate than ${first.name}`, {
      expected: `${first.samplingRate} Hz`,
      received: `${recording.samplingRate} Hz`,
    })
  }
  for (const name of channelNames) {
    if (recording.channels.some((channel) => channel.name === name)) continue
    throw new EegTorchError('SHAPE_MISMATCH', `${recording.name} lacks channel ${name}, which ${first.name} has`, {
      option: 'channels',
      expected: `channels that all recordings have`,
      received: channelNames.length > 8 ? `${channelNames.length} channels` : channelNames.join(', '),
    })
  }
}

/** The error where no event, or no whole trial, is found. */
export function nothingFits(
  list: readonly Recording[],
  trials: number,
  { events, task }: WindowOptions,
): EegTorchError {
  if (trials > 0) {
    return badOption(
      'from',
      'windows inside the recordings',
      `${trials} trials, each cut by an end or a gap, or rejected`,
    )
  }
  const found = [...new Set(list.flatMap((recording) => recording.events.map(({ label }) => label)))].slice(0, 12)
  const wanted = task === undefined ? events : typeof task === 'string' ? task : task.name
  const received = typeof wanted === 'function' || wanted === undefined ? 'none' : JSON.stringify(wanted)
  return new EegTorchError('INVALID_OPTION', 'no event of the recordings is a trial', {
    option: task === undefined ? 'events' : 'task',
    expected: found.length === 0 ? 'recordings with events' : `something among ${found.join(', ')}`,
    received,
  })
}

function badOption(option: string, expected: string, received: string): EegTorchError {
  return new EegTorchError('INVALID_OPTION', `the option ${option} of windows is not usable`, {
    option,
    expected,
    received,
  })
}
