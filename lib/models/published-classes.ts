import type { TensorSource } from '../checkpoints/tensor-file.ts'
import { describeLlama, projectionShape } from './llama-config.ts'
import { Nf4Tensors } from './nf4-tensors.ts'

type Config = Readonly<Record<string, unknown>>

/** One of the registry's networks in what a class of diffusers or transformers saves. */
export interface PublishedPart {
  /** The registry's name. */
  readonly network: string
  /** Key of the config that holds this network's own. */
  readonly section?: string
  /** What the class takes where a config leaves a field out, as far as the network's own defaults differ. */
  readonly defaults?: Config
  /** Fields that say nothing of the network. */
  readonly ignored?: readonly string[]
  /** Options that are written otherwise, or elsewhere in the whole config. */
  readonly derive?: (own: Config, whole: Config) => Config
  /** Options of the network, where a reader of its own makes them of the whole config and the file's name. */
  readonly read?: (config: Config, file: string) => Config
  /** Its tensors as the network names them, where more than names differ. */
  readonly source?: (source: TensorSource, options: Config) => TensorSource
  /** Names of its tensors, where the file holds others too. */
  readonly tensors?: RegExp
  /** Buffers that older releases saved, and that follow from the config. */
  readonly unused?: RegExp
}

/** What a class holds: one network, or several of which the caller chooses. */
export type Published = readonly PublishedPart[]

/** Fields that transformers writes for every model, and that concern training, text generation or the library. */
export const UNCONCERNED: ReadonlySet<string> = new Set(
  `architectures model_type torch_dtype dtype transformers_version return_dict return_dict_in_generate output_hidden_states
  output_attentions output_scores torchscript use_bfloat16 pruned_heads is_encoder_decoder is_decoder add_cross_attention
  cross_attention_hidden_size tie_encoder_decoder max_length min_length do_sample early_stopping num_beams num_beam_groups
  diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size
  encoder_no_repeat_ngram_size bad_words_ids num_return_sequences chunk_size_feed_forward forced_bos_token_id forced_eos_token_id
  remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens finetuning_task id2label label2id
  tokenizer_class prefix bos_token_id eos_token_id pad_token_id sep_token_id decoder_start_token_id task_specific_params
  problem_type initializer_factor initializer_range use_cache tie_word_embeddings attention_dropout attention_probs_dropout_prob
  hidden_dropout_prob dropout tf_legacy_loss`
    .trim()
    .split(/\s+/),
)

const CLIP_DEFAULTS = { hidden_act: 'quick_gelu', layer_norm_eps: 1e-5 }
const CLIP_TEXT_DEFAULTS = {
  ...CLIP_DEFAULTS,
  ...{ vocab_size: 49408, hidden_size: 512, intermediate_size: 2048, projection_dim: 512, num_hidden_layers: 12 },
  ...{ num_attention_heads: 8, max_position_embeddings: 77 },
}
const CLIP_VISION_DEFAULTS = {
  ...CLIP_DEFAULTS,
  ...{ hidden_size: 768, intermediate_size: 3072, projection_dim: 512, num_hidden_layers: 12, num_attention_heads: 12 },
  ...{ num_channels: 3, image_size: 224, patch_size: 32 },
}
const POSITION_IDS = /(^|\.)embeddings\.position_ids$/

const CLIP_TEXT: PublishedPart = {
  network: 'clip_text_with_projection',
  defaults: CLIP_TEXT_DEFAULTS,
  unused: POSITION_IDS,
}
const CLIP_VISION: PublishedPart = { network: 'clip_vision', defaults: CLIP_VISION_DEFAULTS, unused: POSITION_IDS }

const projectionOf = (_: Config, { projection_dim = 512 }: Config): Config => ({ projection_dim })

/** The network in a Llama checkpoint; four bits of bitsandbytes have names of their own. */
function llamaTensors(source: TensorSource, options: Config): TensorSource {
  if (options.weights !== 'nf4') return source
  const shapeOf = (weight: string) => projectionShape(options, weight)
  return new Nf4Tensors(source, { doubleQuant: options.double_quant === true, shapeOf })
}

/** What transformers' LlamaForCausalLM saves. */
export const LLAMA: PublishedPart = {
  network: 'llama',
  read: (config, file) => describeLlama(config, file).options,
  source: llamaTensors,
  unused: /\.rotary_emb\.inv_freq$/,
}

/** Classes of diffusers (`_class_name`) and transformers (`architectures`), to the networks in what they save. */
export const PUBLISHED: Readonly<Record<string, Published>> = {
  UNet2DConditionModel: [{ network: 'unet2d_condition' }],
  ControlNetModel: [{ network: 'controlnet' }],
  AutoencoderKL: [{ network: 'autoencoder_kl' }],
  VQModel: [{ network: 'vq_model' }],
  UVit2DModel: [{ network: 'uvit2d' }],
  CLIPTextModel: [{ ...CLIP_TEXT, network: 'clip_text', ignored: ['projection_dim'] }],
  CLIPTextModelWithProjection: [CLIP_TEXT],
  CLIPVisionModelWithProjection: [CLIP_VISION],
  CLIPModel: [
    {
      ...CLIP_TEXT,
      section: 'text_config',
      derive: projectionOf,
      tensors: /^text_model\.|^text_projection\./,
    },
    {
      ...CLIP_VISION,
      section: 'vision_config',
      derive: projectionOf,
      tensors: /^vision_model\.|^visual_projection\./,
    },
  ],
  LlamaForCausalLM: [LLAMA],
  Blip2QFormerModel: [{ network: 'qformer' }],
}
