// Usage: node shared-memory.mjs ENTRY. Ends while tensors still share the memory of JavaScript's arrays.
const { fromTypedArray } = await import(process.argv[2])
const kept = Array.from({ length: 50 }, (_, i) => fromTypedArray(new Float32Array(1000).fill(i)))
const views = kept.map((tensor) => tensor.narrow(0, 0, 10))
kept.length = 0
console.log(views.length)
