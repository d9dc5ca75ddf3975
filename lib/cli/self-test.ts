import { performance } from 'node:perf_hooks'
import type { SelfTestResult } from '../setup/addon-probe.ts'

// Run by the doctor in a process of its own: loads the addon, multiplies two matrices, asks for a gradient and
// compares with what a pencil gives; one line of JSON says how it went.

async function selfTest(): Promise<SelfTestResult> {
  const started = performance.now()
  const { native } = await import('../native.ts')
  const { tensor } = await import('../creation.ts')
  const weights = tensor(
    [
      [1, 2],
      [3, 4],
    ],
    { requiresGrad: true },
  )
  const product = weights.matmul(tensor([[5], [6]]))
  expectValues('a matrix product', product.flatten().toArray(), [17, 39])
  product.sum().backward()
  expectValues('a gradient', weights.grad?.flatten().toArray(), [5, 6, 5, 6])
  const names = native.operatorNames().filter((name) => name.startsWith('aten::'))
  const operators = names.reduce((sum, name) => sum + native.overloads(name).length, 0)
  const { built, cpu, devices } = native.version()
  return { operators, libtorch: built, cpu, devices, seconds: (performance.now() - started) / 1000 }
}

function expectValues(what: string, received: unknown, expected: number[]): void {
  if (JSON.stringify(received) === JSON.stringify(expected)) return
  throw new Error(`${what} is wrong: expected ${JSON.stringify(expected)}, received ${JSON.stringify(received)}`)
}

try {
  console.log(JSON.stringify(await selfTest()))
} catch (error) {
  console.log(JSON.stringify({ error: (error as Error).message }))
  process.exitCode = 1
}
