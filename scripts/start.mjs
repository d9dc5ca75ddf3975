import { join } from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { main, root, run } from './steps.mjs'

// npm start: set up what is missing, then train a network on the recordings that --data names, or on simulated ones
await main(async () => {
  await bootstrap()
  return run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'demo', ...process.argv.slice(2)])
})
