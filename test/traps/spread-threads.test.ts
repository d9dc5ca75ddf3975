import { readdirSync, readFileSync } from 'node:fs'
import { type Model, models, noGrad, numThreads, randn, setNumThreads } from 'eegtorch'

const before = numThreads()
afterAll(() => setNumThreads(before))

/** Processors that a thread of this process may run on. */
function processorsOf(task: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/self/task/${task}/status`, 'utf8'))![1]!
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i)
  })
}

const all = processorsOf(String(process.pid))

/** Of the threads that may not run everywhere, where they may. */
const restricted = () =>
  readdirSync('/proc/self/task')
    .map(processorsOf)
    .filter((processors) => processors.length < all.length)

function inferOften(net: Model, times: number): void {
  const windows = randn([8, 64, 128])
  for (let i = 0; i < times; i++) noGrad(() => net.forward(windows)).dispose()
}

test('workers that fill all processors leave one to the thread that they work for', async () => {
  const net = models.lstmEeg({}).eval()
  await setNumThreads(1)
  inferOften(net, 3)
  expect(restricted()).toEqual([])
  await setNumThreads(all.length)
  inferOften(net, 3)
  const spreads = all.length > 1 && all.length <= 16
  const found = restricted()
  expect(found).toHaveLength(spreads ? all.length - 1 : 0)
  for (const processors of found) {
    expect(processors).toHaveLength(all.length - 1)
    expect(processors).toEqual(found[0])
  }
})
