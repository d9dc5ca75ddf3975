import { baselineDecoders, classicalDecoder } from '../../lib/cli/classical-decoders.ts'

test('decoders by Riemannian geometry have names and options', () => {
  expect(classicalDecoder('tangent_space_lr', {})!.name).toBe('tangent space + LR, 8-30 Hz')
  expect(classicalDecoder('mdm', { band: null, estimator: 'lwf' })!.name).toBe('MDM, estimator lwf')
  expect(baselineDecoders(['mdm', { model: 'tangent_space_lr', modelOptions: { c: 0.1 } }])).toHaveLength(2)
  expect(() => classicalDecoder('mdm', { estimator: 'mcd' })).toThrow('estimator')
  expect(() => classicalDecoder('tangent_space_lr', { c: 0 })).toThrow('c')
  expect(() => baselineDecoders(['riemann'])).toThrow('csp_lda')
})

test.each([
  ['csp_lda', { filters: 2 }, 'CSP + LDA, 8-30 Hz, filters 2'],
  ['csp_lda', { band: null, shrinkage: 0.1 }, 'CSP + LDA, shrinkage 0.1'],
  ['csp_lda', { band: [8, 30], shrinkage: 0.05 }, 'CSP + LDA, 8-30 Hz'],
  [
    'tangent_space_lr',
    { estimator: 'shrunk', shrinkage: 0.2, c: 0.5 },
    /LR, 8-30 Hz, estimator shrunk, shrinkage 0.2, c 0.5$/,
  ],
  ['tangent_space_lr', { estimator: 'oas', c: 1 }, 'tangent space + LR, 8-30 Hz'],
  ['mdm', { estimator: 'scm' }, 'MDM, 8-30 Hz, estimator scm'],
  ['band_power_lda', {}, 'band power + LDA'],
  ['band_power_lda', { bands: [[8, 12]] }, 'band power + LDA, bands [ [ 8, 12 ] ]'],
])('the name of %s tells what is not as usual: %p', (kind, options, name) => {
  expect(classicalDecoder(kind, options)!.name).toEqual(typeof name === 'string' ? name : expect.stringMatching(name))
})
