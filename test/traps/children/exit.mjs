// Usage: node exit.mjs ENTRY HOW. Ends the process while native work runs and more waits.
const { asyncOps, randn } = await import(process.argv[2])
const x = randn([1500, 1500])
const work = Array.from({ length: 20 }, () => asyncOps.aten.matmul(x, x))
await new Promise((resolve) => setTimeout(resolve, 30))
console.log('ending')
if (process.argv[3] === 'exit') process.exit(7)
if (process.argv[3] === 'throw') throw new Error('uncaught')
await Promise.all(work)
