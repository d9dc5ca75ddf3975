// Trains in several processes; process 1 dies in the third step. The others print how their step ended, and after how many seconds.
// node lost.mjs ENTRY
const [, , entry] = process.argv
const { initProcessGroup, loss, models, optim, rand, randint } = await import(entry)

const group = await initProcessGroup({ timeout: 60 })
const step = models
  .lstmEeg({ nChans: 4, nOutputs: 3, nTimes: 20, hiddenSize: 16 })
  .trainStep({ loss: loss.crossEntropy(), optimizer: optim.sgd(), group })
const batch = { inputs: rand([4, 4, 20]), targets: randint(0, 3, [4]) }
let started = performance.now()
try {
  for (let i = 0; ; i++) {
    if (i === 3 && group.rank === 1) process.kill(process.pid, 'SIGKILL')
    started = performance.now()
    await step(batch)
  }
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message, seconds: (performance.now() - started) / 1000 }))
  process.exitCode = 9
}
