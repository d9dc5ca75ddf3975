import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { encodeEvent, FILE_VERSION, type TfEvent } from './tfevents.ts'

/** How {@link TensorBoardWriter} begins. */
export interface TensorBoardOptions {
  /** A resumed run names the step it starts from: TensorBoard then hides what an earlier file logged from there on. */
  resumeAt?: number
}

let filesOfThisProcess = 0

/**
 * Writes scalars for TensorBoard into a new event file of a folder: `tensorboard --logdir FOLDER` shows them. Every call
 * is one write to the operating system, so a killed run loses nothing that was logged.
 */
export class TensorBoardWriter {
  readonly path: string
  #file: number | undefined

  /** @throws EegTorchError `FILE_WRITE_FAILED` where the folder cannot be made or written */
  constructor(folder: string, { resumeAt }: TensorBoardOptions = {}) {
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0')
    const name = `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${filesOfThisProcess++}`
    this.path = join(folder, name)
    this.#file = this.#guard(() => {
      mkdirSync(folder, { recursive: true })
      return openSync(this.path, 'wx')
    })
    this.#write({ wallTime: now(), step: 0, fileVersion: FILE_VERSION })
    if (resumeAt !== undefined) this.#write({ wallTime: now(), step: resumeAt, restart: true })
  }

  /**
   * Logs scalars at a step, stored as float32.
   *
   * @param scalars values by tag, e.g. `{ 'loss/train': 0.2 }`; the part before the slash groups charts
   * @param step a whole number, 0 or more
   * @throws EegTorchError `INVALID_OPTION` for another step, `FILE_WRITE_FAILED` for a full disk or a closed writer
   */
  scalars(scalars: Record<string, number>, step: number): void {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new EegTorchError('INVALID_OPTION', 'a TensorBoard step is wrong', {
        expected: 'a whole number, 0 or more',
        received: `${step}`,
        option: 'step',
      })
    }
    this.#write({ wallTime: now(), step, scalars })
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #write(event: TfEvent): void {
    const bytes = encodeEvent(event)
    this.#guard(() => {
      if (this.#file === undefined) throw new Error('the writer is closed')
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at)
    })
  }

  #guard<T>(action: () => T): T {
    try {
      return action()
    } catch (cause) {
      throw new EegTorchError('FILE_WRITE_FAILED', `cannot be written (${(cause as Error).message})`, {
        file: this.path,
        cause,
      })
    }
  }
}

function now(): number {
  return Date.now() / 1000
}
