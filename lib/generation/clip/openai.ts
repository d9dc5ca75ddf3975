import type { Checkpoint } from '../../checkpoints/checkpoint.ts'
import { type SelectedTensor, SelectedTensors } from '../../checkpoints/selected-tensors.ts'
import type { StoredTensor } from '../../checkpoints/stored-tensor.ts'
import { EegTorchError } from '../../errors.ts'

type Stored = ReadonlyMap<string, StoredTensor>
type Config = Readonly<Record<string, unknown>>
type Rename = readonly [pattern: RegExp, name: string]

/** Each head of OpenAI's networks has so many channels; the files do not say it. */
const HEAD_WIDTH = 64

const LAYER: readonly Rename[] = [
  [/^ln_1\./, 'layer_norm1.'],
  [/^ln_2\./, 'layer_norm2.'],
  [/^mlp\.c_fc\./, 'mlp.fc1.'],
  [/^mlp\.c_proj\./, 'mlp.fc2.'],
  [/^attn\.out_proj\./, 'self_attn.out_proj.'],
]
const TEXT: readonly Rename[] = [
  [/^token_embedding\.weight$/, 'text_model.embeddings.token_embedding.weight'],
  [/^positional_embedding$/, 'text_model.embeddings.position_embedding.weight'],
  [/^ln_final\./, 'text_model.final_layer_norm.'],
]
const VISION: readonly Rename[] = [
  [/^visual\.class_embedding$/, 'vision_model.embeddings.class_embedding'],
  [/^visual\.conv1\.weight$/, 'vision_model.embeddings.patch_embedding.weight'],
  [/^visual\.positional_embedding$/, 'vision_model.embeddings.position_embedding.weight'],
  // the network's name has the reference's spelling
  [/^visual\.ln_pre\./, 'vision_model.pre_layrnorm.'],
  [/^visual\.ln_post\./, 'vision_model.post_layernorm.'],
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
  const part = (model: string, selection: Map<string, SelectedTensor>, config: Config): Checkpoint => ({
    path: checkpoint.path,
    format: checkpoint.format,
    metadata: { model, config },
    tensors: new SelectedTensors(checkpoint.tensors, selection),
    keys: [],
  })
  const text = selectPart(stored, TEXT, 'transformer.resblocks.', 'text_model.')
  text.set('text_projection.weight', { from: 'text_projection', transposed: true })
  const vision = selectPart(stored, VISION, 'visual.transformer.resblocks.', 'vision_model.')
  vision.set('visual_projection.weight', { from: 'visual.proj', transposed: true })
  return {
    text: part('clip_text_with_projection', text, textConfig(shapes)),
    vision: part('clip_vision', vision, visionConfig(shapes)),
  }
}

function selectPart(
  stored: Stored,
  names: readonly Rename[],
  layers: string,
  body: string,
): Map<string, SelectedTensor> {
  const selection = new Map<string, SelectedTensor>()
  for (const [from, { shape }] of stored) {
    if (!from.startsWith(layers)) {
      const name = rename(from, names)
      if (name !== undefined) selection.set(name, { from })
      continue
    }
    const [, layer, inside] = /^(\d+)\.(.*)$/.exec(from.slice(layers.length)) ?? []
    if (layer === undefined || inside === undefined) continue
    const place = `${body}encoder.layers.${layer}.`
    const packed = /^attn\.in_proj_(weight|bias)$/.exec(inside)?.[1]
    if (packed === undefined) {
      selection.set(place + (rename(inside, LAYER) ?? inside), { from })
      continue
    }
    const width = Math.floor((shape[0] ?? 0) / 3)
    for (const [i, x] of ['q', 'k', 'v'].entries()) {
      selection.set(`${place}self_attn.${x}_proj.${packed}`, { from, rows: [i * width, (i + 1) * width] })
    }
  }
  return selection
}

function rename(name: string, rules: readonly Rename[]): string | undefined {
  for (const [pattern, put] of rules) if (pattern.test(name)) return name.replace(pattern, put)
  return undefined
}

function textConfig(shapes: Shapes): Config {
  const [vocab, width] = shapes.of('token_embedding.weight', 2)
  return {
    ...shapes.layers('transformer.resblocks.', width),
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
    ...shapes.layers('visual.transformer.resblocks.', width),
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

  layers(prefix: string, width: number): Config {
    const numbers = [...this.stored.keys()].map((name) =>
      name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : -1,
    )
    return {
      hidden_size: width,
      num_hidden_layers: Math.max(-1, ...numbers) + 1,
      num_attention_heads: Math.max(1, Math.floor(width / HEAD_WIDTH)),
      intermediate_size: this.of(`${prefix}0.mlp.c_fc.weight`, 2)[0],
      hidden_act: 'quick_gelu',
      layer_norm_eps: 1e-5,
    }
  }
}
