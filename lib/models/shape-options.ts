import type { StoredTensor } from '../checkpoints/stored-tensor.ts'

type Shapes = ReadonlyMap<string, StoredTensor>
type Rule = (shapes: Shapes) => unknown

/** A tensor by its name, wherever in the saved network it lies. */
function find(shapes: Shapes, name: string): StoredTensor | undefined {
  const exact = shapes.get(name)
  if (exact !== undefined) return exact
  const inner = [...shapes.keys()].filter((key) => key.endsWith(`.${name}`))
  return inner.length === 1 ? shapes.get(inner[0]!) : undefined
}

/** A length of the first of these tensors that the file holds. */
function axis(index: number, ...names: string[]): Rule {
  return (shapes) => {
    for (const name of names) {
      const length = find(shapes, name)?.shape[index]
      if (length !== undefined) return length
    }
    return undefined
  }
}

/** How many different numbers stand in the place of the group. */
function count(pattern: RegExp): Rule {
  return (shapes) => {
    const numbers = new Set([...shapes.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? []))
    return numbers.size > 0 ? numbers.size : undefined
  }
}

function quotient(above: Rule, below: Rule): Rule {
  return (shapes) => {
    const [a, b] = [above(shapes), below(shapes)]
    return typeof a === 'number' && typeof b === 'number' && a % b === 0 ? a / b : undefined
  }
}

/** Whether the file holds one tensor, where it holds another that goes with it. */
function holds(name: string, companion: string): Rule {
  return (shapes) => (find(shapes, companion) === undefined ? undefined : find(shapes, name) !== undefined)
}

/** A value where the file holds a tensor. */
function where(name: string, value: unknown): Rule {
  return (shapes) => (find(shapes, name) === undefined ? undefined : value)
}

/** The first of these values whose tensor the file holds. */
function first(...rules: readonly Rule[]): Rule {
  return (shapes) => rules.map((rule) => rule(shapes)).find((value) => value !== undefined)
}

/** A rule for files that hold a tensor. */
function given(name: string, rule: Rule): Rule {
  return (shapes) => (find(shapes, name) === undefined ? undefined : rule(shapes))
}

const CLASSES = axis(0, 'final_layer.conv_classifier.weight', 'conv_classifier.weight')
const SPATIAL = ['conv_time_spat.conv_spat.weight', 'conv_spat.weight']
const TEMPORAL = ['conv_time_spat.conv_time.weight', 'conv_time.weight']
const EEGNET_SPATIAL = ['conv_spatial.parametrizations.weight.original', 'conv_spatial.weight']

const FILTERS: Readonly<Record<string, Rule>> = {
  n_chans: axis(3, ...SPATIAL),
  n_outputs: CLASSES,
  n_filters_time: axis(0, ...TEMPORAL),
  filter_time_length: axis(2, ...TEMPORAL),
  n_filters_spat: axis(0, ...SPATIAL),
  batch_norm: holds('bnorm.weight', SPATIAL[0]!),
}

const CSBRAIN: Readonly<Record<string, Rule>> = {
  in_dim: axis(0, 'patch_embedding.mask_encoding'),
  out_dim: axis(0, 'patch_embedding.mask_encoding'),
  d_model: axis(0, 'patch_embedding.mask_encoding'),
  dim_feedforward: axis(0, 'encoder.layers.0.linear1.weight'),
  n_layer: count(/encoder\.layers\.(\d+)\./),
  n_regions: count(/region_blocks\.region_(\d+)\./),
}

const CBRAMOD: Readonly<Record<string, Rule>> = {
  in_dim: axis(0, 'patch_embedding.mask_encoding'),
  d_model: axis(0, 'patch_embedding.mask_encoding'),
  out_dim: axis(0, 'proj_out.0.weight'),
  dim_feedforward: axis(0, 'encoder.layers.0.linear1.weight'),
  n_layer: count(/encoder\.layers\.(\d+)\./),
}

/** What the names and shapes of a state dict tell of its network. */
const RULES: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  eegnet: {
    n_chans: axis(2, ...EEGNET_SPATIAL),
    n_outputs: axis(
      0,
      'final_layer.conv_classifier.weight',
      'conv_classifier.weight',
      'final_layer.linearconstraint.parametrizations.weight.original',
    ),
    F1: axis(0, 'conv_temporal.weight'),
    D: quotient(axis(0, ...EEGNET_SPATIAL), axis(0, 'conv_temporal.weight')),
    F2: axis(0, 'conv_separable_point.weight'),
    kernel_length: axis(3, 'conv_temporal.weight'),
    depthwise_kernel_length: axis(3, 'conv_separable_depth.weight'),
    final_layer_with_constraint: where('final_layer.linearconstraint.parametrizations.weight.original', true),
  },
  shallow_fbcsp_net: FILTERS,
  deep4net: {
    ...FILTERS,
    n_filters_2: axis(0, 'conv_2.weight'),
    filter_length_2: axis(2, 'conv_2.weight'),
    n_filters_3: axis(0, 'conv_3.weight'),
    filter_length_3: axis(2, 'conv_3.weight'),
    n_filters_4: axis(0, 'conv_4.weight'),
    filter_length_4: axis(2, 'conv_4.weight'),
  },
  eeg_conformer: {
    n_chans: axis(2, 'patch_embedding.shallownet.1.weight'),
    n_outputs: axis(0, 'final_layer.weight', 'final_layer.final_layer.0.weight', 'classification_head.fc.6.weight'),
    n_filters_time: axis(0, 'patch_embedding.shallownet.0.weight'),
    filter_time_length: axis(3, 'patch_embedding.shallownet.0.weight'),
    num_layers: count(/transformer\.(\d+)\./),
  },
  // kernels are shorter where windows are few samples: their lengths do not tell the options
  atcnet: {
    n_chans: axis(3, 'conv_block.conv2.weight'),
    n_outputs: axis(
      0,
      'final_layer.0.parametrizations.weight.original',
      'final_layer.0.weight',
      'max_norm_linears.0.parametrizations.weight.original',
      'max_norm_linears.0.weight',
    ),
    n_windows: count(/temporal_conv_nets\.(\d+)\./),
    tcn_depth: count(/temporal_conv_nets\.0\.(\d+)\./),
    conv_block_n_filters: axis(0, 'conv_block.conv1.weight'),
    conv_block_depth_mult: quotient(axis(0, 'conv_block.conv2.weight'), axis(0, 'conv_block.conv1.weight')),
  },
  csbrain: CSBRAIN,
  csbrain_classifier: {
    ...CSBRAIN,
    n_outputs: axis(0, 'feed_forward.6.weight'),
    n_patches: quotient(axis(0, 'feed_forward.0.weight'), axis(0, 'patch_embedding.mask_encoding')),
  },
  cbramod: CBRAMOD,
  cbramod_classifier: {
    ...CBRAMOD,
    n_outputs: axis(
      0,
      'classifier.7.weight',
      'classifier.4.weight',
      'classifier.3.weight',
      'classifier.1.weight',
      'final_layer.1.weight',
    ),
    classifier: first(
      where('classifier.7.weight', 'all_patch_reps'),
      where('classifier.4.weight', 'all_patch_reps_twolayer'),
      where('classifier.3.weight', 'avgpooling_patch_reps'),
      where('classifier.1.weight', 'all_patch_reps_onelayer'),
      where('final_layer.1.weight', 'all_patch_reps_onelayer'),
    ),
    // the authors' first layer is as wide as a channel's window is long
    n_times: given('classifier.7.weight', axis(0, 'classifier.1.weight')),
    n_chans: given('classifier.7.weight', quotient(axis(1, 'classifier.1.weight'), axis(0, 'classifier.1.weight'))),
    projection: where('proj_out.0.weight', true),
  },
  eeg_projection: {
    in_dim: axis(1, 'linear1.weight', 'proj.0.weight'),
    out_dim: axis(0, 'linear1.weight', 'proj.0.weight'),
    layer_norm: (shapes) => {
      const isBare = where('linear2.weight', true)(shapes) ?? where('proj.3.weight', true)(shapes)
      const hasNorm = where('norm2.weight', true)(shapes) ?? where('proj.5.weight', true)(shapes)
      return hasNorm ?? (isBare && false)
    },
  },
  eeg_clip_mapper: {
    in_dim: axis(1, 'input_projection.0.weight', 'input_proj.0.weight'),
    d_model: axis(0, 'input_projection.0.weight', 'input_proj.0.weight'),
    feedforward_dim: axis(0, 'encoder.layers.0.linear1.weight', 'transformer.layers.0.linear1.weight'),
    n_layers: count(/(?:encoder|transformer)\.layers\.(\d+)\./),
    n_queries: axis(0, 'queries', 'expand_queries'),
    clip_dim: axis(0, 'context_projection.weight', 'seq_proj.0.weight'),
    n_outputs: axis(0, 'classifier.weight'),
    classifier_input: where('expand_queries', 'pooled'),
  },
}

/**
 * Options that follow from the names and shapes of a state dict, in the reference's spelling. What shapes do not tell, such as a pooling's
 * length or the heads of an attention, keeps its default.
 */
export function optionsFromShapes(model: string, shapes: Shapes): Record<string, unknown> {
  const rules = Object.hasOwn(RULES, model) ? RULES[model]! : {}
  const found = Object.entries(rules).map(([option, rule]) => [option, rule(shapes)] as const)
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}
