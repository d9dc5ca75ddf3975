#include "core/captured_tape.h"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include <algorithm>
#include <unordered_set>

#include "core/device_graph.h"
#include "core/error.h"

namespace eegtorch {

// Tensors that stay in place, and the graphs that read and write them.
struct CapturedRun final : torch::CustomClassHolder {
  std::mutex mutex;
  Tensors inputs, outputs;
  DeviceGraphPtr forward, backward;
  // Of the gradient: parameters are leaves that are no inputs; the place of a leaf counts the inputs first, then the
  // parameters.
  Tensors output_gradients, leaf_gradients, parameters;
  std::vector<size_t> leaf_places;
  int64_t runs = 0;
};

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The tensors without history that outputs were computed from and that require a gradient.
Tensors leavesOf(const Tensors& outputs) {
  Tensors leaves;
  std::unordered_set<torch::autograd::Node*> seen;
  std::vector<torch::autograd::Node*> open;
  const auto visit = [&](torch::autograd::Node* node) {
    if (node && seen.insert(node).second) open.push_back(node);
  };
  for (const auto& output : outputs)
    if (output.requires_grad()) visit(torch::autograd::impl::gradient_edge(output).function.get());
  while (!open.empty()) {
    auto* node = open.back();
    open.pop_back();
    if (const auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(node)) leaves.push_back(leaf->variable);
    for (const auto& edge : node->next_edges()) visit(edge.function.get());
  }
  return leaves;
}

Tensors differentiable(const Tensors& outputs) {
  Tensors some;
  for (const auto& output : outputs)
    if (output.requires_grad()) some.push_back(output);
  return some;
}

void captureGradient(CapturedRun& run, c10::Device device) {
  const auto outputs = differentiable(run.outputs);
  const auto leaves = leavesOf(outputs);
  if (leaves.empty()) return;
  for (const auto& leaf : leaves) {
    const auto found = std::find_if(run.inputs.begin(), run.inputs.end(), [&](auto& x) { return x.is_same(leaf); });
    const bool input = found != run.inputs.end();
    run.leaf_places.push_back(input ? found - run.inputs.begin() : run.inputs.size() + run.parameters.size());
    if (!input) run.parameters.push_back(leaf);
  }
  for (const auto& output : outputs) run.output_gradients.push_back(at::zeros_like(output));
  const auto work = [&] {
    run.leaf_gradients = torch::autograd::grad(outputs, leaves, run.output_gradients, /*retain_graph=*/true,
                                               /*create_graph=*/false, /*allow_unused=*/true);
  };
  run.backward = captureDeviceGraph(device, work, run.forward);
}

CapturedRunPtr capture(const Tape& tape, const Tensors& inputs, bool gradients) {
  const auto device = inputs[0].device();
  auto run = c10::make_intrusive<CapturedRun>();
  for (const auto& input : inputs)
    run->inputs.push_back(input.detach().clone().requires_grad_(gradients && input.requires_grad()));
  try {
    run->forward = captureDeviceGraph(device, [&] { run->outputs = tape.replay(run->inputs); });
    if (gradients) captureGradient(*run, device);
  } catch (const c10::Error& error) {
    throw Error("INVALID_OPTION", "this function cannot be captured as a CUDA graph",
                "operators that never wait for the GPU", error.what_without_backtrace(), "cudaGraph");
  }
  return run;
}

// One launch with the values of these inputs. Copies, for the next launch writes over what this one made.
Tensors launch(CapturedRun& run, const Tensors& inputs) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < inputs.size(); i++) run.inputs[i].detach().copy_(inputs[i], /*non_blocking=*/true);
  run.forward->replay();
  run.runs++;
  Tensors outputs;
  for (const auto& output : run.outputs) outputs.push_back(output.detach().clone());
  return outputs;
}

struct Graphed : torch::autograd::Function<Graphed> {
  // tensors: the inputs, then the parameters, which are named so that autograd asks for their gradients.
  static variable_list forward(AutogradContext* ctx, at::TensorList tensors, const CapturedRunPtr& captured) {
    auto& run = *captured;
    const std::lock_guard lock(run.mutex);
    auto outputs = launch(run, tensors.slice(0, run.inputs.size()).vec());
    variable_list constant;
    for (size_t i = 0; i < outputs.size(); i++)
      if (!run.outputs[i].requires_grad()) constant.push_back(outputs[i]);
    ctx->mark_non_differentiable(constant);
    ctx->saved_data["captured"] = c10::IValue::make_capsule(captured);
    ctx->saved_data["run"] = run.runs;
    return outputs;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto captured = c10::static_intrusive_pointer_cast<CapturedRun>(ctx->saved_data["captured"].toCapsule());
    auto& run = *captured;
    const std::lock_guard lock(run.mutex);
    if (at::GradMode::is_enabled())
      throw Error("INVALID_OPTION", "a captured function has no second derivatives", "createGraph: false", "true",
                  "createGraph");
    if (ctx->saved_data["run"].toInt() != run.runs)
      throw Error("INVALID_OPTION", "a captured function ran again before its gradient was taken",
                  "backward after each run", "backward after a later one", "cudaGraph");
    size_t next = 0;
    for (size_t i = 0; i < gradients.size(); i++) {
      if (!run.outputs[i].requires_grad()) continue;
      auto& to = run.output_gradients[next++];
      gradients[i].defined() ? to.copy_(gradients[i], /*non_blocking=*/true) : to.zero_();
    }
    run.backward->replay();
    variable_list found(run.inputs.size() + run.parameters.size() + 1);  // one more for `captured`
    for (size_t i = 0; i < run.leaf_places.size(); i++)
      if (run.leaf_gradients[i].defined()) found[run.leaf_places[i]] = run.leaf_gradients[i].clone();
    return found;
  }
};

Tensors launchWithGradients(const CapturedRunPtr& run, Tensors inputs) {
  if (!run->backward) {
    const std::lock_guard lock(run->mutex);
    return launch(*run, inputs);
  }
  inputs.insert(inputs.end(), run->parameters.begin(), run->parameters.end());
  return Graphed::apply(at::TensorList(inputs), run);
}

}  // namespace

c10::Device commonGpu(const Tensors& tensors) {
  const auto refuse = [](const std::string& found) {
    throw Error("INVALID_OPTION", "a CUDA graph needs tensors on a GPU", "inputs on one GPU", found, "cudaGraph");
  };
  if (tensors.empty()) refuse("no inputs");
  for (const auto& tensor : tensors) {
    if (!tensor.is_cuda()) refuse(tensor.device().str());
    if (tensor.device() != tensors[0].device()) refuse(tensors[0].device().str() + " and " + tensor.device().str());
  }
  return tensors[0].device();
}

CapturedTape::CapturedTape(std::shared_ptr<const Tape> tape, bool gradients)
    : tape_(std::move(tape)), gradients_(gradients) {}

CapturedTape::~CapturedTape() = default;

Tensors CapturedTape::replay(const Tensors& inputs) {
  CapturedRunPtr captured;
  {
    const std::lock_guard lock(mutex_);
    if (warm_.insert(std::this_thread::get_id()).second) return tape_->replay(inputs);
    std::vector<bool> wanted;
    for (const auto& input : inputs) wanted.push_back(input.requires_grad());
    auto& found = runs_[wanted];
    if (!found) found = capture(*tape_, inputs, gradients_);
    captured = found;
  }
  return launchWithGradients(captured, inputs);
}

}  // namespace eegtorch
