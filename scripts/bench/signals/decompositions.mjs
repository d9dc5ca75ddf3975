// Decompositions and covariances, as the benchmark times them; decompositions.py does the same with MNE, scikit-learn,
// picard and pyRiemann. Searches take a fixed number of steps, whitening and sorting included.

/** Of one-second epochs, the first 32 channels. */
const onEpochs = ['covariances', 'common spatial patterns', 'riemannian mean', 'tangent space']

export const actions = ['fastica, 10 steps', 'picard, 10 steps', 'infomax, 1 pass', 'components removed', ...onEpochs]

/** Actions on `x`, (64, samples) in volts, by name. Each gives what it made, which the caller disposes of. */
export function decompositions({ asyncSignal, Ica, fromTypedArray }, x, samplingRate) {
  const search = (options) => async () => (await Ica.fit(x, options)).unmixing
  const epochs = Math.floor(x.shape[1] / samplingRate)
  const trials = () => x.narrow(0, 0, 32).reshape([32, epochs, samplingRate]).transpose(0, 1)
  const labels = fromTypedArray(BigInt64Array.from({ length: epochs }, (_, i) => BigInt(i % 2)))
  const matrices = () => asyncSignal.covariances(trials(), { estimator: 'oas' })
  const known = {}
  const once = async (name, make) => (known[name] ??= await make())
  const reference = () => once('reference', async () => (await asyncSignal.riemannMean(await matrices())).mean)
  return {
    'fastica, 10 steps': search({ maxIterations: 10, tolerance: 0, components: 60 }),
    'picard, 10 steps': search({ method: 'picard', maxIterations: 10, tolerance: 0, components: 60 }),
    'infomax, 1 pass': search({ method: 'infomax', maxIterations: 1, components: 60 }),
    'components removed': async () => {
      const ica = await once('ica', () => Ica.fit(x, { maxIterations: 1, components: 60 }))
      return ica.applyAsync(x, { exclude: [0, 1] })
    },
    covariances: matrices,
    'common spatial patterns': async () => (await asyncSignal.csp(trials(), labels)).filters,
    'riemannian mean': async () => (await asyncSignal.riemannMean(await once('matrices', matrices))).mean,
    'tangent space': async () =>
      asyncSignal.tangentSpace(await once('matrices', matrices), { reference: await reference() }),
  }
}
