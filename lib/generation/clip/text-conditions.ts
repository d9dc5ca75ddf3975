import { noGrad } from '../../autograd.ts'
import { type Checkpoint, openCheckpoint } from '../../checkpoints/checkpoint.ts'
import { tensor } from '../../creation.ts'
import { loadCheckpoint } from '../../models/load.ts'
import type { LoadWeightsOptions } from '../../models/load-weights.ts'
import { asRegistered } from '../../models/published.ts'
import type { Tensor } from '../../tensor.ts'
import { loadTokenizer } from '../../tokenizers/load.ts'
import { openPipelineFolder } from '../checkpoints/pipeline-folder.ts'

/** What a diffusion model is told of texts. */
export interface TextConditions {
  /** (texts, tokens, width): what its cross-attention looks at */
  hidden: Tensor
  /** (texts, dim): one row for each text */
  pooled: Tensor
}

/** The text encoder of a diffusers folder: CLIP's, with a projection where aMUSEd has one. */
export interface PipelineEncoder {
  checkpoint: Checkpoint
  network: 'clip_text' | 'clip_text_with_projection'
  tokenizer: string
}

/** @throws EegTorchError as {@link openPipelineFolder}; `CHECKPOINT_MISMATCH` for an encoder that is no CLIP */
export function openPipelineEncoder(pipeline: string): PipelineEncoder {
  const folder = openPipelineFolder(pipeline)
  const { path, className } = folder.component('text_encoder', 'CLIPTextModel', 'CLIPTextModelWithProjection')
  const network = className === 'CLIPTextModel' ? 'clip_text' : 'clip_text_with_projection'
  return { checkpoint: openCheckpoint(path), network, tokenizer: folder.component('tokenizer').path }
}

/**
 * Texts as the pipeline conditions on them: Stable Diffusion's last hidden states and pooled row, aMUSEd's last but one and projected row.
 *
 * @throws EegTorchError `INVALID_OPTION` for a text of too many tokens; as `models.load`
 */
export async function encodeConditions(
  { checkpoint, network, tokenizer: folder }: PipelineEncoder,
  texts: readonly string[],
  options: LoadWeightsOptions = {},
): Promise<TextConditions> {
  const tokenizer = await loadTokenizer(folder)
  const { ids } = tokenizer.encodeBatch(texts, { padTo: 'maxLength' })
  using input = tensor(BigInt64Array.from(ids.flat().map(BigInt)), { shape: [ids.length, ids[0]?.length ?? 0] })
  const registered = asRegistered(checkpoint, network)
  if (network === 'clip_text') {
    using model = await loadCheckpoint<'clip_text'>(registered, { ...options, model: network })
    using inputIds = input.to(options.device ?? 'cpu')
    const { lastHiddenState, poolerOutput, ...others } = await noGrad(() => model.runAsync({ inputIds }))
    for (const other of Object.values(others)) other.dispose()
    return { hidden: lastHiddenState, pooled: poolerOutput }
  }
  using model = await loadCheckpoint<'clip_text_with_projection'>(registered, { ...options, model: network })
  using inputIds = input.to(options.device ?? 'cpu')
  const { penultimate, textEmbeds, lastHiddenState } = await noGrad(() => model.runAsync({ inputIds }))
  lastHiddenState.dispose()
  return { hidden: penultimate, pooled: textEmbeds }
}
