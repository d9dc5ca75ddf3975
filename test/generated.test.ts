import { join } from 'node:path'
import { packageRoot } from '../lib/setup/paths.ts'
import { runNode } from './built.ts'

test('generated files agree with the addon: npm run generate would change nothing', async () => {
  const result = await runNode([join(packageRoot, 'scripts', 'generate.mjs'), '--check'])
  expect(result).toMatchObject({ code: 0, stdout: '0 generated files are stale\n', stderr: '' })
})
