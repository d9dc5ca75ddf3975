/** The networks of Stable Diffusion by their folders: the registry's names, which class of Python reads them, and what their weights are called. */
export const STABLE_DIFFUSION_PARTS = {
  unet: {
    network: 'unet2d_condition',
    library: 'diffusers',
    className: 'UNet2DConditionModel',
    weights: 'diffusion_pytorch_model',
  },
  vae: {
    network: 'autoencoder_kl',
    library: 'diffusers',
    className: 'AutoencoderKL',
    weights: 'diffusion_pytorch_model',
  },
  text_encoder: { network: 'clip_text', library: 'transformers', className: 'CLIPTextModel', weights: 'model' },
} as const

/** A network of Stable Diffusion, by its folder. */
export type StableDiffusionPart = keyof typeof STABLE_DIFFUSION_PARTS
