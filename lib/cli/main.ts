#!/usr/bin/env node
import { runCli } from './program.ts'

// one line per command; its file is loaded only when the command is used
process.exitCode = await runCli(process.argv.slice(2), [
  {
    name: 'demo',
    summary: 'train on recordings or on simulated EEG, and show the report',
    load: () => import('./demo.ts'),
  },
  {
    name: 'prepare',
    summary: 'preprocess recordings into a store of windows',
    load: () => import('./prepare.ts'),
  },
  {
    name: 'train',
    summary: 'train and test a network on recordings',
    load: () => import('./train.ts'),
  },
  {
    name: 'sweep',
    summary: 'train and compare many models on the same splits',
    load: () => import('./sweep.ts'),
  },
  {
    name: 'launch',
    summary: 'run a command in several processes that train together',
    load: () => import('./launch.ts'),
  },
  {
    name: 'evaluate',
    summary: 'score a trained network on recordings',
    load: () => import('./evaluate.ts'),
  },
  {
    name: 'score',
    summary: 'score generated pictures against what was seen, beside their controls',
    load: () => import('./score.ts'),
  },
  {
    name: 'datasets',
    summary: 'list the data sets that are known by name, or show the card of one',
    load: () => import('./datasets.ts'),
  },
  {
    name: 'fetch',
    summary: 'download a data set from its official host, after showing licence and size',
    load: () => import('./fetch.ts'),
  },
  {
    name: 'weights',
    summary: 'download published checkpoints, or list what is there of them',
    load: () => import('./weights.ts'),
  },
  {
    name: 'denoise',
    summary: 'measure how well autoencoders remove noise from recordings',
    load: () => import('./denoise.ts'),
  },
  {
    name: 'align',
    summary: 'train an EEG encoder towards embeddings of images, and look images up',
    load: () => import('./align.ts'),
  },
  {
    name: 'train-diffusion',
    summary: 'train a diffusion model that draws what was seen from EEG',
    load: () => import('./train-diffusion.ts'),
  },
  {
    name: 'generate',
    summary: 'draw pictures of EEG trials by a diffusion model',
    load: () => import('./generate.ts'),
  },
  {
    name: 'finetune-text',
    summary: 'teach a Llama model to say what EEG is about',
    load: () => import('./finetune-text.ts'),
  },
  {
    name: 'finetune-image',
    summary: 'teach a network to give Stable Diffusion what EEG is about',
    load: () => import('./finetune-image.ts'),
  },
  {
    name: 'setup',
    summary: 'download LibTorch, once for all projects',
    load: () => import('./setup.ts'),
  },
  {
    name: 'doctor',
    summary: 'say what is installed, what is missing and what to do about it',
    load: () => import('./doctor.ts'),
  },
  {
    name: 'inspect',
    summary: 'show what a recording or a checkpoint holds',
    load: () => import('./inspect.ts'),
  },
  {
    name: 'export',
    summary: 'write a recording as EDF+, BrainVision or NumPy arrays',
    load: () => import('./export.ts'),
  },
  {
    name: 'convert',
    summary: 'write a checkpoint in another layout: braindecode, PyTorch, safetensors',
    load: () => import('./convert.ts'),
  },
  {
    name: 'verify',
    summary: 'compare native models with their references, on parity cases',
    load: () => import('./verify.ts'),
  },
])
