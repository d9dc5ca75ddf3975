import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Path of a file made by test/fixtures/checkpoints/make.py. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/checkpoints/${name}`, import.meta.url))
}

export function readFixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fixture(name)))
}
