// Usage: node memory-warning.mjs ENTRY LIMIT. Keeps tensors of 4 MB each, at one line, after which it says what was warned of.
const { ones, setMemoryWarning } = await import(process.argv[2])
setMemoryWarning(Number(process.argv[3]))
const warnings = []
process.on('warning', ({ code, name, message }) => warnings.push({ code, name, message }))
const held = []
for (let i = 0; i < 8; i++) {
  held.push(ones([1024, 1024])) // the line that the warning names
}
await new Promise((resolve) => setImmediate(resolve))
console.log(JSON.stringify({ warnings, held: held.length }))
