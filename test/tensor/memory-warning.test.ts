import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { builtEntry, runNode } from '../built.ts'

const child = fileURLToPath(new URL('children/memory-warning.mjs', import.meta.url))
const line =
  readFileSync(child, 'utf8')
    .split('\n')
    .findIndex((text) => text.includes('the line that')) + 1

test('the warning names the line at which live tensors passed the limit, once', async () => {
  const { stdout, stderr } = await runNode([child, builtEntry, String(2 ** 24)])
  expect(JSON.parse(stdout)).toEqual({
    held: 8,
    warnings: [
      {
        code: 'EEGTORCH_MEMORY',
        name: 'EegTorchWarning',
        message: expect.stringMatching(
          new RegExp(
            `^live tensors hold 0\\.0 GiB at file://.*/memory-warning\\.mjs:${line}:\\d+: free them with using`,
          ),
        ),
      },
    ],
  })
  expect(stderr).toContain(`[EEGTORCH_MEMORY] EegTorchWarning: live tensors hold`)
})

test.each([
  ['a limit that is not reached', 2 ** 26],
  ['0, which means none', 0],
])('%s gives no warning', async (_, limit) => {
  const { stdout } = await runNode([child, builtEntry, String(limit)])
  expect(JSON.parse(stdout)).toEqual({ held: 8, warnings: [] })
})
