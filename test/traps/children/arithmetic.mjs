// Whether loading the addon, or work on its threads, changes JavaScript's own arithmetic.
const before = Number.MIN_VALUE * 1
const { asyncOps, ops, randn } = await import(process.argv[2])
ops.aten.ones([2])
const tiny = ops.aten.full([4], 1e-310, { dtype: 'float64' })
await asyncOps.aten.mul(tiny, 0.5)
await asyncOps.aten.matmul(randn([100, 100]), randn([100, 100]))
const after = Number.MIN_VALUE * 1
console.log(
  JSON.stringify({ before, after, same: before === after && after > 0, synchronous: tiny.mul(0.5).toArray()[0] > 0 }),
)
