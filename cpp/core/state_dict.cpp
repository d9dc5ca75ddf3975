#include "core/state_dict.h"

#include <torch/utils.h>

#include <algorithm>
#include <unordered_map>

#include "core/check.h"
#include "core/error.h"
#include "core/full_precision.h"

namespace eegtorch {

namespace {

constexpr size_t kNamesShown = 5;

void collect(const torch::nn::Module& module, const std::string& prefix, NamedTensors& state) {
  for (const auto& item : module.named_parameters(false)) state.emplace_back(prefix + item.key(), item.value());
  for (const auto& item : module.named_buffers(false)) state.emplace_back(prefix + item.key(), item.value());
  for (const auto& child : module.named_children()) collect(*child.value(), prefix + child.key() + ".", state);
}

// What does not fit, by kind: "missing a, b and 3 more".
class Mismatch {
 public:
  void add(const std::string& item) { items_.push_back(item); }
  bool empty() const { return items_.empty(); }
  std::string show(const std::string& kind) const {
    std::string text = kind;
    for (size_t i = 0; i < std::min(items_.size(), kNamesShown); i++) text += (i ? ", " : " ") + items_[i];
    if (items_.size() > kNamesShown) text += " and " + std::to_string(items_.size() - kNamesShown) + " more";
    return text;
  }

 private:
  std::vector<std::string> items_;
};

std::string otherShape(at::IntArrayRef expected, const at::Tensor& given) {
  return given.sizes().equals(expected) ? "" : showShape(given.sizes()) + " instead of " + showShape(expected);
}

std::string misfit(const at::Tensor& own, const at::Tensor& given) {
  if (const auto other = otherShape(own.sizes(), given); !other.empty()) return other;
  const bool convertible =
      own.is_floating_point() ? given.is_floating_point() : given.scalar_type() == own.scalar_type();
  if (convertible) return "";
  return std::string(c10::toString(given.scalar_type())) + " instead of " + c10::toString(own.scalar_type());
}

// The part of a name before one of its dots, from the longest on, for which `holds` is true.
template <class Holds>
bool someOwner(const std::string& name, const Holds& holds) {
  for (auto dot = name.rfind('.'); dot != std::string::npos && dot > 0; dot = name.rfind('.', dot - 1))
    if (holds(name.substr(0, dot))) return true;
  return false;
}

bool areEqual(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes().equals(b.sizes()) && a.scalar_type() == b.scalar_type() && at::equal(a, b.to(a.device()));
}

}  // namespace

NamedTensors stateDict(const torch::nn::Module& module) {
  NamedTensors state;
  collect(module, "", state);
  return state;
}

std::vector<Tied> tiedNames(const NamedTensors& state) {
  std::unordered_map<const c10::TensorImpl*, std::string> first;
  std::vector<Tied> tied;
  for (const auto& [name, tensor] : state) {
    const auto [known, is_new] = first.emplace(tensor.unsafeGetTensorImpl(), name);
    if (!is_new) tied.push_back({name, known->second});
  }
  return tied;
}

std::unordered_map<std::string, TakesDenseWeight*> denseWeights(const torch::nn::Module& module) {
  std::unordered_map<std::string, TakesDenseWeight*> layers;
  for (const auto& part : module.named_modules("", true))
    if (auto* layer = dynamic_cast<TakesDenseWeight*>(part.value().get()))
      layers.emplace(part.key().empty() ? "weight" : part.key() + ".weight", layer);
  return layers;
}

std::unordered_set<std::string> fullPrecisionNames(const torch::nn::Module& module) {
  std::unordered_set<std::string> names;
  for (const auto& part : module.named_modules("", true)) {
    if (!dynamic_cast<const FullPrecision*>(part.value().get())) continue;
    NamedTensors state;
    collect(*part.value(), part.key().empty() ? "" : part.key() + ".", state);
    for (const auto& [name, tensor] : state) names.insert(name);
  }
  return names;
}

NamedTensors matchState(ModelImpl& module, const NamedTensors& tensors, const std::string& name) {
  std::unordered_map<std::string, at::Tensor> given;
  const auto older = module.olderNames();
  const auto own_name = [&](const std::string& key) {
    const auto renamed = older.find(key);
    return renamed == older.end() ? key : renamed->second;
  };
  for (const auto& [key, tensor] : tensors) given.emplace(own_name(key), tensor);

  auto state = stateDict(module);
  Mismatch missing, wrong, unexpected;
  for (const auto& [key, tensor] : tensors) {
    const auto target = own_name(key);
    if (std::none_of(state.begin(), state.end(), [&](const auto& item) { return item.first == target; }))
      unexpected.add(key);
  }
  // One tensor under two names may come under either of them, or twice the same.
  for (const auto& [again, first] : tiedNames(state)) {
    if (const auto found = given.find(again); found != given.end()) {
      const auto [kept, is_new] = given.emplace(first, found->second);
      if (!is_new && !areEqual(kept->second, found->second))
        wrong.add(again + " is not " + first + ", which it is tied to");
    }
    std::erase_if(state, [&](const auto& item) { return item.first == again; });
  }

  const auto layers = denseWeights(module);
  const auto dense = [&](const std::string& key) {
    const auto weight = given.find(key);
    return layers.count(key) && weight != given.end() && weight->second.is_floating_point();
  };
  NamedTensors found;
  for (const auto& [key, own] : state) {
    const auto tensor = given.find(key);
    if (tensor == given.end()) {
      if (!someOwner(key, dense)) missing.add(key);
    } else if (const auto why =
                   dense(key) ? otherShape(layers.at(key)->denseShape(), tensor->second) : misfit(own, tensor->second);
               !why.empty()) {
      wrong.add(key + " is " + why);
    } else {
      found.emplace_back(key, tensor->second);
    }
  }

  std::string problems;
  for (const auto& part : {missing.empty() ? "" : missing.show("missing"), wrong.empty() ? "" : wrong.show("wrong"),
                           unexpected.empty() ? "" : unexpected.show("unexpected")})
    if (!part.empty()) problems += (problems.empty() ? "" : "; ") + part;
  if (!problems.empty()) throw Error("CHECKPOINT_MISMATCH", "the weights do not fit this " + name + ": " + problems);
  return found;
}

void loadStateDict(ModelImpl& module, const NamedTensors& tensors, const std::string& name) {
  const auto matched = matchState(module, tensors, name);
  std::unordered_map<std::string, at::Tensor> own;
  for (const auto& [key, tensor] : stateDict(module)) own.emplace(key, tensor);
  const auto layers = denseWeights(module);
  const torch::NoGradGuard frozen;
  for (const auto& [key, tensor] : matched) {
    if (layers.count(key) && tensor.is_floating_point())
      layers.at(key)->takeDense(tensor, own.at(key).device());
    else
      own.at(key).copy_(tensor);
  }
}

std::unordered_map<std::string, std::string> namesWithPrefixes(
    const torch::nn::Module& module, const std::vector<std::pair<std::string, std::string>>& prefixes) {
  std::unordered_map<std::string, std::string> names;
  for (const auto& [name, tensor] : stateDict(module))
    for (const auto& [theirs, ours] : prefixes)
      if (name.compare(0, ours.size(), ours) == 0) names.emplace(theirs + name.substr(ours.size()), name);
  return names;
}

void moveModule(torch::nn::Module& module, at::Device device, std::optional<at::ScalarType> dtype) {
  const torch::NoGradGuard frozen;
  for (const auto& part : module.modules()) {
    const bool converts = dtype && !dynamic_cast<const FullPrecision*>(part.get());
    const auto move = [&](at::Tensor& tensor) {
      const auto target = converts && tensor.is_floating_point() ? *dtype : tensor.scalar_type();
      tensor.set_data(tensor.to(device, target));
      if (tensor.grad().defined()) tensor.mutable_grad() = tensor.grad().to(device, target);
    };
    for (auto& tensor : part->parameters(false)) move(tensor);
    for (auto& tensor : part->buffers(false)) move(tensor);
  }
}

}  // namespace eegtorch
