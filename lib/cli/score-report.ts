import { join } from 'node:path'
import { writeFileAtomically } from '../files/atomic.ts'
import { encodePng, readPicture } from '../generation/pictures/picture.ts'
import type { FolderScores, ScoredRow } from '../generation/scores/score-folder.ts'
import { type PictureReport, pictureReportPage, pictureWarnings, type Thumbnails } from '../report/picture-report.ts'
import { libtorchVersion } from '../runtime.ts'
import { packageVersion } from '../setup/paths.ts'

/** Rows of pictures on the report page. */
const SHOWN = 24
const THUMBNAIL = { width: 112, height: 112 }

/** What a report says beside the scores. */
type Said = Pick<PictureReport, 'title' | 'simulated' | 'protocol' | 'findings'>

/** Scores as they are written and printed for programs: without what only the page needs. */
export type WrittenScores = Omit<FolderScores, 'rows' | 'nearest'>

/** Writes `scores.json` and the page `scores.html` into the folder that was scored. */
export async function writeScores(
  scores: FolderScores,
  said: Said,
): Promise<{ report: string; written: WrittenScores }> {
  const { rows, nearest: _, ...written } = scores
  const report = join(scores.folder, 'scores.html')
  const page = pictureReportPage({
    ...said,
    createdAt: new Date().toISOString(),
    scores,
    thumbnails: await Promise.all(rows.slice(0, SHOWN).map(thumbnailsOf)),
    versions: { eegtorch: packageVersion(), libtorch: libtorchVersion().built },
    command: ['eegtorch', ...process.argv.slice(2)].join(' '),
  })
  await writeFileAtomically(join(scores.folder, 'scores.json'), `${JSON.stringify(written, undefined, 2)}\n`)
  await writeFileAtomically(report, page)
  return { report, written }
}

async function thumbnailsOf({ files }: ScoredRow): Promise<Thumbnails> {
  const entries = Object.entries(files).map(async ([kind, file]) => {
    const png = await encodePng(await readPicture(file, THUMBNAIL))
    return [kind, `data:image/png;base64,${png.toString('base64')}`] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

/** Scores beside their controls as lines of text. */
export function scoreLines(scores: FolderScores): string[] {
  const controls = (['shuffled', 'random', 'label', 'nearest'] as const).filter((name) => !scores.missing[name])
  const cell = (value: number | undefined) =>
    (value === undefined || !Number.isFinite(value) ? '–' : String(Number(value.toPrecision(3)))).padStart(10)
  const head = ['score', 'low', 'high', 'chance', ...controls].map((name) => name.padStart(10)).join('')
  const width = Math.max(...scores.scores.map(({ title }) => title.length)) + 2
  const lines = scores.scores.map(({ title, score, chance, controls: beside }) => {
    const figures = [score.mean, score.low, score.high, chance, ...controls.map((name) => beside[name]?.mean)]
    return title.padEnd(width) + figures.map(cell).join('')
  })
  return [
    `${scores.pictures} pictures of ${scores.trials} trials`,
    ' '.repeat(width) + head,
    ...lines,
    ...pictureWarnings(scores).map((sentence) => `note: ${sentence}`),
  ]
}
