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
