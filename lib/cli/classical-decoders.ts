import { z } from 'zod'
import { type BaselineDecoder, bandPowerLda, cspLda, logVarianceLda, windowMeansLda } from '../decoders/baselines.ts'
import { mdm, tangentSpaceLr } from '../decoders/riemann.ts'
import { defined } from '../defined.ts'
import { EegTorchError } from '../errors.ts'
import { checkOptions } from './train-config.ts'

const band = z.tuple([z.number().min(0), z.number().positive()])
const anyBand = band.nullable().optional()
const filters = z.number().int().min(1).optional()
const shrinkage = z.number().min(0).max(1).optional()

const covariance = {
  band: anyBand,
  estimator: z.enum(['scm', 'oas', 'lwf', 'shrunk']).optional(),
  shrinkage,
}

type MakeDecoder = (options: Record<string, unknown>, file?: string) => BaselineDecoder

/** Classical decoders by the names that configurations give them, with what their `modelOptions` may hold. */
const DECODERS: Record<string, MakeDecoder> = {
  csp_lda: decoder(z.strictObject({ band: anyBand, filters, shrinkage }), cspLda),
  log_variance_lda: decoder(z.strictObject({ band: anyBand }), logVarianceLda),
  band_power_lda: decoder(z.strictObject({ bands: z.array(band).min(1).optional() }), bandPowerLda),
  tangent_space_lr: decoder(z.strictObject({ ...covariance, c: z.number().positive().optional() }), tangentSpaceLr),
  mdm: decoder(z.strictObject(covariance), mdm),
  lda: decoder(z.strictObject({ means: z.number().positive().optional() }), windowMeansLda),
}

/** The classical decoder of a name, or undefined where the name is none of them. */
export function classicalDecoder(
  name: string,
  options: Record<string, unknown>,
  file?: string,
): BaselineDecoder | undefined {
  return DECODERS[name]?.(options, file)
}

/**
 * The decoders that stand beside a network: names, or names with options.
 *
 * @throws EegTorchError `UNKNOWN_NAME`, `INVALID_OPTION`
 */
export function baselineDecoders(
  list: readonly (string | { model: string; modelOptions?: Record<string, unknown> | undefined })[],
): BaselineDecoder[] {
  return list.map((item) => {
    const { model, modelOptions = {} } = typeof item === 'string' ? { model: item } : item
    const found = classicalDecoder(model, modelOptions)
    if (found !== undefined) return found
    throw new EegTorchError('UNKNOWN_NAME', `no classical decoder is called ${model}`, {
      option: 'baselines',
      expected: `some of ${Object.keys(DECODERS).join(', ')}`,
      received: model,
    })
  })
}

function decoder<S extends z.ZodObject>(schema: S, make: (options: never) => BaselineDecoder): MakeDecoder {
  return (options, file) => make(defined(checkOptions(schema, options, { file })) as never)
}
