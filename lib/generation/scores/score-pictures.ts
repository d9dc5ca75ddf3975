import { z } from 'zod'
import { defined } from '../../defined.ts'
import { EegTorchError } from '../../errors.ts'
import { groupBy } from '../../evaluation/group-by.ts'
import { mean } from '../../evaluation/statistics.ts'
import { type AccuracySummary, summarisePredictions } from '../../evaluation/summary.ts'
import { Random } from '../../random.ts'
import { readOptions } from '../../read-options.ts'
import type { ImageNetworks } from '../metrics/image-networks.ts'
import { type PictureControl, pictureControls } from '../pictures/controls.ts'
import type { GenerationRecord } from '../pictures/generation-record.ts'
import { type Picture, resizePicture } from '../pictures/picture.ts'
import { type ControlEstimate, compareWithControl, type Estimate, estimate } from './estimate.ts'
import { type Measure, type MeasureName, makeMeasures } from './measures.ts'
import { findMemorised, type Memorisation } from './memorisation.ts'
import { keyOf, PictureSide, PictureSides } from './picture-side.ts'

/** A control that stands beside every score. `nearest`: the training picture that is most like the made one. */
export type ScoreControl = PictureControl | 'nearest'

/** One measure with its controls. */
export interface PictureScore {
  name: string
  title: string
  better: 'higher' | 'lower'
  /** What knowing nothing scores, where that is known beforehand. */
  chance?: number
  score: Estimate
  controls: Partial<Record<ScoreControl, ControlEstimate>>
}

/** What a set of generated pictures is worth. */
export interface PictureScores {
  pictures: number
  /** The unit of every interval and p-value: several pictures of a trial count once, with their mean. */
  trials: number
  /** Different stimuli among them. */
  stimuli: number
  seeds: number
  modes: string[]
  /** Side of the square to which all pictures were scaled, in pixels. */
  size: number
  confidence: number
  /** How often the class that was read is the true one; absent where true classes are not known. */
  reading?: AccuracySummary
  scores: PictureScore[]
  memorisation?: Memorisation
  /** Controls that are not there, and why. */
  missing: Partial<Record<ScoreControl, string>>
  /** For each picture that was scored, the index of the training picture most like it. */
  nearest?: number[]
}

/** A picture with what the log says of it. */
export interface LoggedPicture {
  record: GenerationRecord
  picture: Picture
}

/** What {@link scorePictures} compares. */
export interface ScoreInput {
  made: readonly LoggedPicture[]
  /** What was seen, for each made picture. */
  stimuli: readonly Picture[]
  /** Pictures of each control. Without those of `shuffled`, each made picture is scored against stimuli of other trials. */
  controls?: Partial<Record<PictureControl, readonly LoggedPicture[]>>
  /** What the generator learnt from. */
  training?: readonly Picture[]
}

/** How {@link scorePictures} compares. */
export interface ScoreOptions {
  networks: ImageNetworks
  metrics?: readonly MeasureName[] | undefined
  /** Side in pixels to which all pictures are scaled; default: that of the smallest made one, 256 at most. */
  size?: number | undefined
  /** Times that stimuli are shuffled; their mean is the control. Default 5. */
  shuffles?: number | undefined
  confidence?: number | undefined
  seed?: number | undefined
  onProgress?: ((done: number, total: number) => void) | undefined
}

const LARGEST = 256

/** What numbers of {@link ScoreOptions} may be: the only place where it is told, for programs, YAML files and command lines. */
export const scoreFields = {
  size: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('<pixels> side to which all pictures are scaled (default: theirs, 256 at most)'),
  shuffles: z.number().int().min(1).max(10_000).default(5).describe('<n> times that stimuli are shuffled'),
  confidence: z.number().gt(0).lt(1).default(0.95).describe('<share> of the intervals'),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe('<n> of shuffles and draws'),
}
const scoreSchema = z.object(scoreFields)
type ScoreNumbers = z.infer<typeof scoreSchema>

/**
 * Scores pictures against what was seen, beside the controls that tell whether the picture came from the brain.
 *
 * @throws EegTorchError `INVALID_OPTION` for no pictures, a number out of range, or a measure whose network is missing
 */
export async function scorePictures(input: ScoreInput, options: ScoreOptions): Promise<PictureScores> {
  const { made, stimuli } = input
  if (made.length === 0 || stimuli.length !== made.length) throw nothingToScore(made.length, stimuli.length)
  const { networks, onProgress, metrics } = options
  const { confidence, seed, shuffles, ...numbers } = readNumbers(options)
  const size = numbers.size ?? Math.min(LARGEST, ...made.flatMap(({ picture }) => [picture.width, picture.height]))
  const labels = classesOf(made)
  const measures = makeMeasures(networks, { names: metrics, classes: new Set(labels).size })
  using sides = new PictureSides()
  const side = async (pictures: readonly Picture[], labels?: readonly string[]) =>
    sides.own(new PictureSide(await scaled(pictures, size), networks, labels))
  const real = await side(stimuli, labels)
  const own = await side(made.map(({ picture }) => picture))
  const compared = { real, own, sides }
  const missing: PictureScores['missing'] = {}
  const comparisons = new Map<ScoreControl, Comparison>()
  const total = { done: 0, of: measures.length }

  for (const control of pictureControls) {
    const found = await controlSides(control, input, compared, { shuffles, seed }, side)
    if (typeof found === 'string') missing[control] = found
    else comparisons.set(control, found)
  }
  const recalled = input.training && (await memorised(compared, await side(input.training), networks))
  if (recalled === undefined) missing.nearest = 'the pictures that the generator learnt from were not given'
  else comparisons.set('nearest', { pairs: [{ real, made: recalled.side }], rows: made.map((_, i) => i) })

  const scores: PictureScore[] = []
  const trialOf = made.map(({ record }) => record.trial)
  for (const measure of measures) {
    scores.push(await scoreOne(measure, compared, comparisons, trialOf, { confidence, seed }))
    onProgress?.(++total.done, total.of)
  }
  const reading = readingAccuracy(made, confidence)
  return {
    pictures: made.length,
    trials: new Set(trialOf).size,
    stimuli: new Set(real.keys).size,
    seeds: new Set(made.map(({ record }) => record.seed)).size,
    modes: [...new Set(made.map(({ record }) => record.mode))],
    ...{ size, confidence, scores, missing },
    ...(reading && { reading }),
    ...(recalled && { memorisation: recalled.memorisation, nearest: recalled.nearest }),
  }
}

function readNumbers({ size, shuffles, confidence, seed }: ScoreOptions): ScoreNumbers {
  return readOptions(scoreSchema, defined({ size, shuffles, confidence, seed }))
}

/** The true class of each picture; undefined unless all are known. */
function classesOf(made: readonly LoggedPicture[]): string[] | undefined {
  const known = made.flatMap(({ record }) => (record.true === undefined ? [] : [record.true]))
  return known.length === made.length ? known : undefined
}

/** Pairs whose values are averaged, and for each of their rows the made picture that it goes with. */
interface Comparison {
  pairs: { real: PictureSide; made: PictureSide }[]
  rows: number[]
}

interface Sides {
  real: PictureSide
  own: PictureSide
  /** Holds these and all others until the end. */
  sides: PictureSides
}

/** The pictures of a control with their stimuli, or why there are none. */
async function controlSides(
  control: PictureControl,
  { made, controls, stimuli }: ScoreInput,
  { real, own, sides }: Sides,
  { shuffles, seed }: Pick<ScoreNumbers, 'shuffles' | 'seed'>,
  side: (pictures: readonly Picture[]) => Promise<PictureSide>,
): Promise<Comparison | string> {
  const given = controls?.[control]
  if (given !== undefined) {
    const byWork = new Map(given.map(({ record, picture }) => [`${record.seed} ${record.trial}`, picture]))
    const rows = made.flatMap(({ record }, i) => (byWork.has(`${record.seed} ${record.trial}`) ? [i] : []))
    if (rows.length === 0) return 'its folder holds no picture of these trials and seeds'
    const pictures = rows.map((i) => byWork.get(`${made[i]!.record.seed} ${made[i]!.record.trial}`)!)
    return { pairs: [{ real: sides.own(await real.take(rows)), made: await side(pictures) }], rows }
  }
  if (control !== 'shuffled')
    return `no pictures of it were made (folder controls/${control}, which eegtorch generate --controls fills)`
  const orders = otherStimuli(stimuli, shuffles, seed)
  if (orders === undefined) return 'all trials have the same stimulus'
  const pairs = await Promise.all(orders.map(async (order) => ({ real: sides.own(await real.take(order)), made: own })))
  return { pairs, rows: made.map((_, i) => i) }
}

/** Orders of the stimuli in which each picture meets another stimulus than its own; undefined where all are the same. */
function otherStimuli(stimuli: readonly Picture[], count: number, seed: number): number[][] | undefined {
  const keys = stimuli.map(keyOf)
  const others = keys.map((key) => keys.flatMap((other, i) => (other === key ? [] : [i])))
  if (others.some((choice) => choice.length === 0)) return undefined
  const random = new Random(seed)
  return Array.from({ length: count }, () => others.map((choice) => random.pick(choice)))
}

async function memorised(
  { real, own, sides }: Sides,
  training: PictureSide,
  { places }: ImageNetworks,
): Promise<{ memorisation: Memorisation; nearest: number[]; side: PictureSide }> {
  const place = ['clip', 'inception', 'alexnet-5'].find((name) => places.includes(name)) ?? 'pixels'
  const found = await findMemorised(real, own, training, place)
  return { ...found, side: sides.own(await training.take(found.nearest)) }
}

async function scoreOne(
  measure: Measure,
  { real, own }: Sides,
  comparisons: ReadonlyMap<ScoreControl, Comparison>,
  trialOf: readonly string[],
  options: { confidence: number; seed: number },
): Promise<PictureScore> {
  const { name, title, better, chance } = measure
  const values = await measure.values(real, own)
  const controls: PictureScore['controls'] = {}
  for (const [control, { pairs, rows }] of comparisons) {
    const rounds: number[][] = []
    for (const pair of pairs) rounds.push(await measure.values(pair.real, pair.made))
    const averaged = rows.map((_, i) => mean(rounds.map((round) => round[i] ?? Number.NaN)))
    const trials = rows.map((row) => trialOf[row]!)
    const ownOfTrials = perTrial(
      rows.map((row) => values[row] ?? Number.NaN),
      trials,
    )
    controls[control] = compareWithControl(ownOfTrials, perTrial(averaged, trials), options)
  }
  const score = estimate(perTrial(values, trialOf), options)
  return { name, title, better, ...(chance !== undefined && { chance }), score, controls }
}

/** The mean of each trial's finite values, in the order in which trials first appear. */
function perTrial(values: readonly number[], trialOf: readonly string[]): number[] {
  const groups = groupBy([...values.keys()], (i) => trialOf[i]!)
  return [...groups.values()].map((rows) => mean(rows.map((i) => values[i]!).filter(Number.isFinite)))
}

function readingAccuracy(made: readonly LoggedPicture[], confidence: number): AccuracySummary | undefined {
  const known = made.filter(({ record }) => record.true !== undefined)
  if (known.length === 0) return undefined
  const classes = [...new Set(known.flatMap(({ record }) => [record.true!, record.predicted]))]
  const predictions = known.map(({ record: { trial, seed, true: truth, predicted } }) => ({
    ...{ subject: '', trial, seed, fold: 0 },
    truth: classes.indexOf(truth!),
    predicted: classes.indexOf(predicted),
  }))
  return summarisePredictions(predictions, { classes: classes.length, confidence }).accuracy
}

async function scaled(pictures: readonly Picture[], size: number): Promise<Picture[]> {
  const out: Picture[] = []
  for (const picture of pictures) out.push(await resizePicture(picture, { width: size, height: size }))
  return out
}

function nothingToScore(made: number, stimuli: number): EegTorchError {
  return new EegTorchError('INVALID_OPTION', 'there is nothing to score', {
    expected: 'pictures, and a stimulus for each',
    received: `${made} pictures and ${stimuli} stimuli`,
  })
}
