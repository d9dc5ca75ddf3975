import type { Checkpoint } from '../../checkpoints/checkpoint.ts'
import { countModules, type NameRule, selectByRules } from '../../checkpoints/name-rules.ts'
import { type SelectedTensor, SelectedTensors } from '../../checkpoints/selected-tensors.ts'
import type { StoredTensor } from '../../checkpoints/stored-tensor.ts'
import { EegTorchError } from '../../errors.ts'
import { residualBlocks, TEXT_ENDS, TEXT_LAYERS } from './open-clip-names.ts'

type Stored = ReadonlyMap<string, StoredTensor>
type Config = Readonly<Record<string, unknown>>

/** Each head of OpenAI's networks has so many channels; the files do not say it. */
const HEAD_WIDTH = 64

const VISION_LAYERS = { file: 'visual.transformer.resblocks', own: 'vision_model.encoder.layers' } as const
const TEXT: readonly NameRule[] = [...TEXT_ENDS, ['text_projection', 'text_projection.weight', 'transposed']]
const VISION: readonly NameRule[] = [
  ['visual.class_embedding', 'vision_model.embeddings.class_embedding'],
  ['visual.conv1', 'vision_model.embeddings.patch_embedding'],
  ['visual.positional_embedding', 'vision_model.embeddings.position_embedding.weight'],
  // the network's name has the reference's spelling
  ['visual.ln_pre', 'vision_model.pre_layrnorm'],
  ['visual.ln_post', 'vision_model.post_layernorm'],
  ['visual.proj', 'visual_projection.weight', 'transposed'],
]

/** Whether tensors have the names of the files that OpenAI published. */
export function isOpenAiClip({ tensors }: Checkpoint): boolean {
  return tensors.tensors.has('visual.conv1.weight') && tensors.tensors.has('token_embedding.weight')
}

/**
 * The two networks of a file of OpenAI's CLIP by transformers' names, each to be loaded by `loadCheckpoint`.
 *
 * @throws EegTorchError `FILE_UNSUPPORTED` for one whose images go through a ResNet, `FILE_INVALID` for shapes that make no sense
 */
export function openAiParts(checkpoint: Checkpoint): { text: Checkpoint; vision: Checkpoint } {
  const stored = checkpoint.tensors.tensors
  if ([...stored.keys()].some((name) => name.startsWith('visual.layer1.'))) {
    throw new EegTorchError('FILE_UNSUPPORTED', "this CLIP's images go through a ResNet", {
      file: checkpoint.path,
      expected: 'a vision transformer, such as ViT-B/32 or ViT-L/14',
    })
  }
  const shapes = new Shapes(stored, checkpoint.path)
  const part = (
    model: string,
    ends: readonly NameRule[],
    layers: typeof TEXT_LAYERS | typeof VISION_LAYERS,
    config: Config,
  ) => ({
    path: checkpoint.path,
    format: checkpoint.format,
    metadata: { model, config },
    tensors: new SelectedTensors(checkpoint.tensors, selectPart(stored, ends, layers)),
    keys: [],
  })
  return {
    text: part('clip_text_with_projection', TEXT, TEXT_LAYERS, textConfig(shapes)),
    vision: part('clip_vision', VISION, VISION_LAYERS, visionConfig(shapes)),
  }
}

/** Both networks lie in one list; what neither has, such as the temperature, is left out. */
function selectPart(
  stored: Stored,
  ends: readonly NameRule[],
  { file, own }: { file: string; own: string },
): Map<string, SelectedTensor> {
  const starts = [`${file}.`, ...ends.map(([name]) => name)]
  const its = new Map([...stored].filter(([name]) => starts.some((start) => name.startsWith(start))))
  return selectByRules(its, [...ends, ...residualBlocks(file, own, countModules(its.keys(), `${file}.`))])
}

function textConfig(shapes: Shapes): Config {
  const [vocab, width] = shapes.of('token_embedding.weight', 2)
  return {
    ...shapes.layers(TEXT_LAYERS, width),
    vocab_size: vocab,
    max_position_embeddings: shapes.of('positional_embedding', 2)[0],
    projection_dim: shapes.of('text_projection', 2)[1],
    // whatever the end token's number is, it is the largest
    eos_token_id: 2,
  }
}

function visionConfig(shapes: Shapes): Config {
  const [width, channels, patch] = shapes.of('visual.conv1.weight', 4)
  const [places] = shapes.of('visual.positional_embedding', 2)
  return {
    ...shapes.layers(VISION_LAYERS, width),
    num_channels: channels,
    patch_size: patch,
    image_size: Math.round(Math.sqrt(places - 1)) * patch,
    projection_dim: shapes.of('visual.proj', 2)[1],
  }
}

/** What shapes tell of a network. */
class Shapes {
  private readonly stored: Stored
  private readonly file: string

  constructor(stored: Stored, file: string) {
    this.stored = stored
    this.file = file
  }

  /** @throws EegTorchError `FILE_INVALID` for a tensor that is missing or has another number of dimensions */
  of(name: string, dimensions: number): [number, number, number, number] {
    const shape = this.stored.get(name)?.shape
    if (shape?.length === dimensions) return shape as unknown as [number, number, number, number]
    throw new EegTorchError('FILE_INVALID', `the CLIP file has no ${name} that makes sense`, {
      file: this.file,
      expected: `a tensor of ${dimensions} dimensions`,
      received: shape === undefined ? 'none' : `(${shape.join(', ')})`,
    })
  }

  layers({ file }: { file: string }, width: number): Config {
    return {
      hidden_size: width,
      num_hidden_layers: countModules(this.stored.keys(), `${file}.`),
      num_attention_heads: Math.max(1, Math.floor(width / HEAD_WIDTH)),
      intermediate_size: this.of(`${file}.0.mlp.c_fc.weight`, 2)[0],
      hidden_act: 'quick_gelu',
      layer_norm_eps: 1e-5,
    }
  }
}
