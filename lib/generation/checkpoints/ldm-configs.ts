import type { TensorSource } from '../../checkpoints/tensor-file.ts'
import { EegTorchError } from '../../errors.ts'

type Config = Record<string, unknown>

/** Which family of Stable Diffusion a file holds: they differ in the text encoder and in what follows from it. */
export type LdmFamily = 'stable-diffusion-1' | 'stable-diffusion-2'

/** Stable Diffusion 2 fills its rows with this, which CLIP's own tokenizer does not say. */
export const STABLE_DIFFUSION_2_PAD = '!'

/** The options of a UNet that its tensors tell; heads and the rest are the family's. */
export function unetConfig(unet: TensorSource, family: LdmFamily): Config {
  const widths = widthsOf(unet, (level) => `down_blocks.${level}.resnets.0.conv1.weight`)
  const hasAttention = widths.map((_, level) => unet.tensors.has(`down_blocks.${level}.attentions.0.proj_in.weight`))
  const context = lengthOf(unet, 'mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight', 1)
  const isFirst = family === 'stable-diffusion-1'
  return {
    in_channels: lengthOf(unet, 'conv_in.weight', 1),
    out_channels: lengthOf(unet, 'conv_out.weight', 0),
    block_out_channels: widths,
    layers_per_block: countOf(unet, (layer) => `down_blocks.0.resnets.${layer}.conv1.weight`),
    down_block_types: hasAttention.map((has) => (has ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    up_block_types: hasAttention.map((has) => (has ? 'CrossAttnUpBlock2D' : 'UpBlock2D')).reverse(),
    cross_attention_dim: context,
    attention_head_dim: isFirst ? 8 : widths.map((width) => width / 64),
    use_linear_projection: unet.tensors.get('mid_block.attentions.0.proj_in.weight')?.shape.length === 2,
    upcast_attention: !isFirst,
    sample_size: isFirst ? 64 : 96,
  }
}

/** The options of an autoencoder that its tensors tell; the size of pictures is the family's. */
export function vaeConfig(vae: TensorSource, family?: LdmFamily): Config {
  const widths = widthsOf(vae, (level) => `encoder.down_blocks.${level}.resnets.0.conv1.weight`)
  return {
    in_channels: lengthOf(vae, 'encoder.conv_in.weight', 1),
    out_channels: lengthOf(vae, 'decoder.conv_out.weight', 0),
    block_out_channels: widths,
    layers_per_block: countOf(vae, (layer) => `encoder.down_blocks.0.resnets.${layer}.conv1.weight`),
    down_block_types: widths.map(() => 'DownEncoderBlock2D'),
    up_block_types: widths.map(() => 'UpDecoderBlock2D'),
    latent_channels: lengthOf(vae, 'decoder.conv_in.weight', 1),
    scaling_factor: 0.18215,
    ...(family !== undefined && { sample_size: family === 'stable-diffusion-1' ? 512 : 768 }),
  }
}

/** The options of a text encoder that its tensors tell. */
export function textConfig(text: TensorSource, family: LdmFamily): Config {
  const embeddings = 'text_model.embeddings'
  const width = lengthOf(text, `${embeddings}.token_embedding.weight`, 1)
  const isFirst = family === 'stable-diffusion-1'
  return {
    vocab_size: lengthOf(text, `${embeddings}.token_embedding.weight`, 0),
    max_position_embeddings: lengthOf(text, `${embeddings}.position_embedding.weight`, 0),
    hidden_size: width,
    intermediate_size: lengthOf(text, 'text_model.encoder.layers.0.mlp.fc1.weight', 0),
    num_hidden_layers: countOf(text, (layer) => `text_model.encoder.layers.${layer}.layer_norm1.weight`),
    num_attention_heads: width / 64,
    hidden_act: isFirst ? 'quick_gelu' : 'gelu',
    layer_norm_eps: 1e-5,
    // as published configs say: the pooled row is the largest id's
    eos_token_id: 2,
  }
}

/** What the family's `scheduler_config.json` says. */
export function schedulerConfig(family: LdmFamily): Config {
  const shared = {
    ...{ num_train_timesteps: 1000, beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' },
    ...{ set_alpha_to_one: false, steps_offset: 1, clip_sample: false, trained_betas: null },
  }
  return family === 'stable-diffusion-1'
    ? { _class_name: 'PNDMScheduler', ...shared, skip_prk_steps: true, prediction_type: 'epsilon' }
    : { _class_name: 'DDIMScheduler', ...shared, prediction_type: 'v_prediction' }
}

function countOf({ tensors }: TensorSource, name: (index: number) => string): number {
  let count = 0
  while (tensors.has(name(count))) count++
  return count
}

function widthsOf(source: TensorSource, name: (level: number) => string): number[] {
  return Array.from({ length: countOf(source, name) }, (_, level) => lengthOf(source, name(level), 0))
}

function lengthOf({ tensors, path }: TensorSource, name: string, axis: number): number {
  const length = tensors.get(name)?.shape[axis]
  if (length !== undefined) return length
  throw new EegTorchError('CHECKPOINT_MISMATCH', 'the file lacks a tensor of latent diffusion', {
    file: path,
    expected: `what diffusers calls ${name}`,
  })
}
