import { readFileSync } from 'node:fs'
import { ones, releaseMemory } from 'eegtorch'

const BYTES = 128 * 2 ** 20
const resident = () => 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])

test('memory of tensors that were disposed of goes back to the system when asked for', () => {
  const tensor = ones([BYTES / 4])
  const full = resident()
  tensor.dispose()
  releaseMemory()
  expect(full - resident()).toBeGreaterThan(0.9 * BYTES)
})

test('pages between blocks stay where the next one is a little too long for them: a loop takes no fresh ones', () => {
  const mebibytes = (count: number) => ones([(count * 2 ** 20) / 4])
  releaseMemory()
  using _held = mebibytes(400)
  const before = resident()
  const first = mebibytes(44)
  using _second = mebibytes(44)
  first.dispose()
  using _third = mebibytes(45)
  expect((resident() - before) / 2 ** 20).toBeGreaterThan(44 + 44 + 45 - 8)
})
