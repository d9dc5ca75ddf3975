#include "augment/augmenter.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/rand.h>

#include "augment/parts.h"
#include "core/table.h"

namespace eegtorch {

at::Tensor uniform(at::IntArrayRef sizes) { return at::rand(sizes, at::kDouble); }

at::Tensor perExample(const at::Tensor& values, const at::Tensor& x) { return values.to(x.options()).view({-1, 1, 1}); }

double requireRate(const OptionCheck& options, const std::optional<double>& sfreq) {
  options.require(sfreq.has_value(), "sfreq", "the sampling rate in hertz", "nothing");
  options.require(*sfreq > 0 && *sfreq <= 1e6, "sfreq", "above 0 and up to 1000000 Hz", std::to_string(*sfreq));
  return *sfreq;
}

const std::vector<AugmentationEntry>& augmentations() {
  static const std::vector<AugmentationEntry> table = {
      timeReverse(),      signFlip(),      ftSurrogate(),    channelsDropout(), channelsShuffle(),
      channelsSymmetry(), channelsReref(), gaussianNoise(),  amplitudeScale(),  smoothTimeMask(),
      maskEncoding(),     timeShift(),     bandstopFilter(), frequencyShift(),  segmentRecombination(),
  };
  return table;
}

namespace {

std::string nameOf(const Value& described) {
  const Value* name = described.find("name");
  if (!name || !name->get<std::string>())
    throw Error("INVALID_OPTION", "augmentations: one has no name", "{name, options}", described.show(),
                "augmentations");
  return *name->get<std::string>();
}

ValueMap optionsOf(const Value& described) {
  ValueMap options;
  for (const auto& [option, value] : *described.get<ValueMap>())
    if (option != "name") options.emplace_back(option, value);
  return options;
}

constexpr const char* kMixup = "mixup";

// The examples that change, by chance; all of them without any draw when they surely do.
at::Tensor chooseRows(double probability, int64_t batch) {
  if (probability == 1) return at::arange(batch);
  return uniform({batch}).lt(probability).nonzero().view({-1});
}

Tensors toDevice(Tensors tensors, at::Device device) {
  for (auto& tensor : tensors) tensor = tensor.to(device);
  return tensors;
}

at::Tensor changed(const Augmentation& augmentation, const at::Tensor& inputs, const at::Tensor& labels) {
  augmentation.check(inputs);
  const at::Tensor rows = chooseRows(augmentation.probability(), inputs.size(0));
  if (rows.numel() == 0) return inputs;
  const Tensors draws = toDevice(augmentation.draw({inputs, labels, rows}), inputs.device());
  if (rows.numel() == inputs.size(0)) return augmentation.apply(inputs, draws, inputs);
  const at::Tensor index = rows.to(inputs.device());
  return inputs.index_copy(0, index, augmentation.apply(inputs.index_select(0, index), draws, inputs));
}

void checkInputs(const Tensors& inputs) {
  if (inputs.empty() || inputs[0].dim() != 3 || !inputs[0].is_floating_point())
    throw Error("SHAPE_MISMATCH", "augmentations change windows of EEG alone", "floats (batch, channels, time)",
                inputs.empty() ? "no inputs" : showShape(inputs[0].sizes()));
}

at::Tensor labelsOf(const Tensors& targets) {
  if (targets.size() == 1 && targets[0].dim() == 1 && !targets[0].is_floating_point()) return targets[0].cpu();
  throw Error(
      "SHAPE_MISMATCH", "segment_recombination goes by the class of each example",
      "one target of class numbers (batch)",
      targets.empty() ? "none" : std::to_string(targets.size()) + ", the first " + showShape(targets[0].sizes()));
}

}  // namespace

std::unique_ptr<Augmentation> makeAugmentation(const Value& described) {
  const auto& entry = findEntry(augmentations(), nameOf(described), "augmentation");
  return entry.make(optionsOf(described));
}

Augmenter::Augmenter(const Value* described) {
  if (!described || described->isNull()) return;
  const auto* list = described->get<ValueList>();
  if (!list)
    throw Error("INVALID_OPTION", "augmentations is not a list", "a list of {name, options}", described->show(),
                "augmentations");
  for (const auto& each : *list) {
    if (mixup_)
      throw Error("INVALID_OPTION", "augmentations: mixup is not the last", "mixup last, since it changes the labels",
                  each.show(), "augmentations");
    if (nameOf(each) == kMixup)
      mixup_.emplace(readConfig<MixupConfig>(optionsOf(each), kMixup));
    else
      augmentations_.push_back(makeAugmentation(each));
  }
}

void Augmenter::run(Tensors& inputs, Tensors& targets) const {
  checkInputs(inputs);
  for (const auto& augmentation : augmentations_) {
    const at::Tensor labels = augmentation->needsLabels() ? labelsOf(targets) : at::Tensor();
    inputs[0] = changed(*augmentation, inputs[0], labels);
  }
  if (mixup_) Mixup::apply(toDevice(mixup_->draw(inputs[0].size(0)), inputs[0].device()), inputs, targets);
}

}  // namespace eegtorch
