import { builtEntry, runNode } from '../built.ts'

test('importing the package opens neither the addon nor LibTorch; the first tensor does', async () => {
  const program = `
    const opened = () => process.report.getReport().sharedObjects.filter((path) => /eegtorch|libtorch/.test(path)).length > 0
    const { zeros } = await import(${JSON.stringify(builtEntry)})
    const before = opened()
    zeros([1])
    console.log(JSON.stringify([before, opened()]))`
  const { stdout, stderr } = await runNode(['--input-type=module', '-e', program])
  expect([stderr, stdout.trim()]).toEqual(['', '[false,true]'])
})
