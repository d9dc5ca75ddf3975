import { EegTorchError } from '../../errors.ts'
import { readWhole } from '../read-text.ts'

/** One annotation, in ticks of the annotator's clock. */
export interface WfdbAnnotation {
  readonly tick: number
  readonly symbol: string
  /** Text that goes with it, empty where there is none. */
  readonly note: string
}

/** Symbols by code, from 0; a code without one is written in brackets. */
const SYMBOLS: readonly string[] = [...' NLRaVFJASEj/Q~', '', '|', '', ...'sT*D"=pB^t+u?![]en@xf()r']
const CODE = { skip: 59, number: 60, subtype: 61, channel: 62, note: 63 }
const RESOLUTION = /^## time resolution: ([\d.eE+-]+)/

/**
 * Reads an annotation file in MIT format (WFDB, annot(5)).
 *
 * @returns the annotations, and ticks per second where the file says so
 * @throws EegTorchError `FILE_TRUNCATED` if it has no end
 */
export function readAnnotations(file: string): { annotations: WfdbAnnotation[]; rate: number | undefined } {
  const bytes = readWhole(file)
  const annotations: WfdbAnnotation[] = []
  let [at, tick] = [0, 0]
  const word = () => {
    if (at + 2 > bytes.length) throw new EegTorchError('FILE_TRUNCATED', 'the annotations have no end', { file })
    at += 2
    return bytes.readUInt16LE(at - 2)
  }
  for (;;) {
    const value = word()
    const [code, interval] = [value >> 10, value & 0x3ff]
    if (value === 0) break
    // The interval stands in two words, the high one first.
    if (code === CODE.skip) tick += (word() << 16) | word()
    else if (code === CODE.note) {
      const note = bytes.toString('utf8', at, at + interval).replace(/\0+$/, '')
      at += interval + (interval % 2)
      const last = annotations.pop()
      if (last !== undefined) annotations.push({ ...last, note })
    } else if (code < CODE.skip) {
      tick += interval
      // Code 0 only moves the time.
      if (code > 0) annotations.push({ tick, symbol: SYMBOLS[code] || `[${code}]`, note: '' })
    }
  }
  const rate = annotations.map(({ note }) => RESOLUTION.exec(note)?.[1]).find((text) => text !== undefined)
  return {
    annotations: annotations.filter(({ note }) => !note.startsWith('## ')),
    rate: Number(rate) > 0 ? Number(rate) : undefined,
  }
}
