#include "core/recorded_model.h"

#include "core/error.h"

namespace eegtorch {

namespace {

// A part of the network that has parts or tensors of its own.
struct Part : torch::nn::Module {};

// The part that a dotted name lies in, made where it is missing, and the last piece of the name.
std::pair<torch::nn::Module*, std::string> locate(torch::nn::Module* module, const std::string& name) {
  size_t start = 0;
  for (size_t dot = name.find('.'); dot != std::string::npos; start = dot + 1, dot = name.find('.', start)) {
    const auto piece = name.substr(start, dot - start);
    const auto children = module->named_children();
    const auto* child = children.find(piece);
    module = child ? child->get() : module->register_module(piece, std::make_shared<Part>()).get();
  }
  return {module, name.substr(start)};
}

}  // namespace

RecordedModelImpl::RecordedModelImpl(const NamedTensors& parameters, const NamedTensors& buffers) {
  for (const auto& [name, tensor] : parameters) {
    const auto [module, last] = locate(this, name);
    module->register_parameter(last, tensor, tensor.requires_grad());
  }
  for (const auto& [name, tensor] : buffers) {
    const auto [module, last] = locate(this, name);
    module->register_buffer(last, tensor);
  }
}

RecordedModelImpl::Key RecordedModelImpl::keyOf(bool training, const Tensors& inputs) {
  Key key{training, {}};
  for (const auto& input : inputs)
    std::get<1>(key).emplace_back(input.sizes().vec(), input.scalar_type(), input.device().str());
  return key;
}

void RecordedModelImpl::addTape(bool training, const Tensors& inputs, std::shared_ptr<const Tape> tape) {
  const std::lock_guard lock(mutex_);
  tapes_[keyOf(training, inputs)] = std::move(tape);
}

Tensors RecordedModelImpl::run(const Tensors& inputs) {
  std::shared_ptr<const Tape> tape;
  {
    const std::lock_guard lock(mutex_);
    const auto found = tapes_.find(keyOf(is_training(), inputs));
    if (found == tapes_.end()) throw Error("INTERNAL", "this network was not recorded for inputs of these kinds");
    tape = found->second;
  }
  Tensors contiguous;
  for (const auto& input : inputs) contiguous.push_back(input.contiguous());
  return tape->replay(contiguous);
}

}  // namespace eegtorch
