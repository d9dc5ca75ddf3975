import { baselineDecoders, classicalDecoder } from '../../lib/cli/classical-decoders.ts'

test('decoders by Riemannian geometry have names and options', () => {
  expect(classicalDecoder('tangent_space_lr', {})!.name).toBe('tangent space + LR, 8-30 Hz')
  expect(classicalDecoder('mdm', { band: null, estimator: 'lwf' })!.name).toBe('MDM')
  expect(baselineDecoders(['mdm', { model: 'tangent_space_lr', modelOptions: { c: 0.1 } }])).toHaveLength(2)
  expect(() => classicalDecoder('mdm', { estimator: 'mcd' })).toThrow('estimator')
  expect(() => classicalDecoder('tangent_space_lr', { c: 0 })).toThrow('c')
  expect(() => baselineDecoders(['riemann'])).toThrow('csp_lda')
})
