// The state of a network by the reference's names: every parameter and buffer, in PyTorch's order.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/dense_weight.h"
#include "core/model.h"
#include "core/named_tensors.h"

namespace eegtorch {

// Parameters, then buffers, of each module before those of its children, as torch.nn.Module.state_dict does.
// The tensors are the network's own: writing to one changes the network.
NamedTensors stateDict(const torch::nn::Module& module);

// A name of a state whose tensor an earlier name has too, as those of tied embeddings.
struct Tied {
  std::string again, first;
};
std::vector<Tied> tiedNames(const NamedTensors& state);

// The layers that take a dense weight in, by the name of that weight.
std::unordered_map<std::string, TakesDenseWeight*> denseWeights(const torch::nn::Module& module);

// Names of the tensors that keep their type when the network takes another.
std::unordered_set<std::string> fullPrecisionNames(const torch::nn::Module& module);

// The tensors of `tensors` by the names of today, in the network's order, each tied one once. Names that are missing or
// unexpected, other shapes, or integers in the place of real numbers are CHECKPOINT_MISMATCH, all in one message. Tied
// tensors may come under one of their names. A dense weight may stand for all tensors of a layer that takes it in.
// name: the registry name, for the message.
NamedTensors matchState(ModelImpl& module, const NamedTensors& tensors, const std::string& name);

// Copies tensors in, whatever their device and floating dtype. Nothing is copied unless all match.
void loadStateDict(ModelImpl& module, const NamedTensors& tensors, const std::string& name);

// For ModelImpl::olderNames: the names of a network's tensors where whole parts are called otherwise.
// prefixes: (theirs, ours).
std::unordered_map<std::string, std::string> namesWithPrefixes(
    const torch::nn::Module& module, const std::vector<std::pair<std::string, std::string>>& prefixes);

// Moves parameters and buffers to a device; a dtype converts those of real numbers (a counter of batches stays int64).
void moveModule(torch::nn::Module& module, at::Device device, std::optional<at::ScalarType> dtype);

}  // namespace eegtorch
