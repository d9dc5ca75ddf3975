#include "autograd.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include "convert.h"
#include "core/check.h"
#include "core/dtype.h"
#include "errors.h"

namespace eegtorch {

namespace {

std::vector<at::Tensor> gradientsOf(Environment& environment, Napi::Value ids) {
  if (ids.IsUndefined() || ids.IsNull()) return {};
  return environment.tensors(ids);
}

// The work of both backward(): also what runs when it is asked for on the compute thread.
struct BackwardArguments {
  std::vector<at::Tensor> outputs, gradients, inputs;
  bool keep_graph, create_graph, allow_unused;
};

BackwardArguments readBackward(Environment& environment, const Napi::CallbackInfo& info) {
  environment.refuseWhileRecording("go backward: gradients flow through its replay");
  return {environment.tensors(info[0]),      gradientsOf(environment, info[1]), gradientsOf(environment, info[2]),
          booleanOf(info[3], "retainGraph"), booleanOf(info[4], "createGraph"), booleanOf(info[5], "allowUnused")};
}

void runBackward(const BackwardArguments& a) {
  torch::autograd::backward(a.outputs, a.gradients, a.keep_graph, a.create_graph, a.inputs);
}

// backward(outputs, gradients | null, inputs | null, retainGraph, createGraph, false)
Napi::Value Backward(Environment& environment, const Napi::CallbackInfo& info) {
  runBackward(readBackward(environment, info));
  return info.Env().Undefined();
}

// backwardAsync(..., cancellation?): the same on the compute thread. It can be cancelled while it waits.
Napi::Value BackwardAsync(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.runAsync(
      [arguments = readBackward(environment, info)](const Cancellation&) -> Environment::Finish {
        runBackward(arguments);
        return [](Napi::Env env) -> Napi::Value { return env.Undefined(); };
      },
      environment.cancellation(info[6]));
}

// gradients(outputs, gradients | null, inputs, retainGraph, createGraph, allowUnused): null for an unused input.
Napi::Value Gradients(Environment& environment, const Napi::CallbackInfo& info) {
  const auto a = readBackward(environment, info);
  return environment.wrapAll(
      torch::autograd::grad(a.outputs, a.inputs, a.gradients, a.keep_graph, a.create_graph, a.allow_unused));
}

Napi::Value Grad(Environment& environment, const Napi::CallbackInfo& info) {
  return {info.Env(), environment.wrap(environment.tensor(info[0]).grad())};
}

std::string showKind(const at::Tensor& tensor) {
  return dtypeName(tensor.scalar_type()) + " on " + tensor.device().str() + (tensor.is_sparse() ? ", sparse" : "");
}

// setGrad(tensor, gradient | null)
Napi::Value SetGrad(Environment& environment, const Napi::CallbackInfo& info) {
  auto& tensor = environment.tensor(info[0]);
  if (info[1].IsNull()) {
    tensor.mutable_grad().reset();
    return info.Env().Undefined();
  }
  const auto& gradient = environment.tensor(info[1]);
  if (gradient.sizes() != tensor.sizes())
    throw Error("SHAPE_MISMATCH", "a gradient has another shape than its tensor", showShape(tensor.sizes()),
                showShape(gradient.sizes()));
  if (gradient.scalar_type() != tensor.scalar_type() || gradient.device() != tensor.device() ||
      gradient.layout() != tensor.layout())
    throw Error("DTYPE_MISMATCH", "a gradient is of another kind than its tensor", showKind(tensor),
                showKind(gradient));
  tensor.mutable_grad() = gradient;
  return info.Env().Undefined();
}

Napi::Value RequiresGrad(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.tensor(info[0]).requires_grad());
}

Napi::Value SetRequiresGrad(Environment& environment, const Napi::CallbackInfo& info) {
  environment.tensor(info[0]).set_requires_grad(booleanOf(info[1], "requiresGrad"));
  return info.Env().Undefined();
}

Napi::Value IsLeaf(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.tensor(info[0]).is_leaf());
}

// gradFunction(tensor): the name of what computed it, 'AddBackward0', or null for a leaf.
Napi::Value GradFunction(Environment& environment, const Napi::CallbackInfo& info) {
  const auto function = environment.tensor(info[0]).grad_fn();
  return function ? Napi::Value(Napi::String::New(info.Env(), function->name())) : info.Env().Null();
}

Napi::Value GradEnabled(Environment&, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), at::GradMode::is_enabled());
}

Napi::Value SetGradEnabled(Environment& environment, const Napi::CallbackInfo& info) {
  const bool enabled = booleanOf(info[0], "gradient mode");
  at::GradMode::set_enabled(enabled);
  if (environment.recorder) environment.recorder->noteGradMode(enabled);
  return info.Env().Undefined();
}

}  // namespace

void exportAutograd(Environment&, Napi::Object exports) {
  const auto env = exports.Env();
  exports.Set("backward", Napi::Function::New<callback<Backward>>(env));
  exports.Set("backwardAsync", Napi::Function::New<callback<BackwardAsync>>(env));
  exports.Set("gradients", Napi::Function::New<callback<Gradients>>(env));
  exports.Set("grad", Napi::Function::New<callback<Grad>>(env));
  exports.Set("setGrad", Napi::Function::New<callback<SetGrad>>(env));
  exports.Set("requiresGrad", Napi::Function::New<callback<RequiresGrad>>(env));
  exports.Set("setRequiresGrad", Napi::Function::New<callback<SetRequiresGrad>>(env));
  exports.Set("isLeaf", Napi::Function::New<callback<IsLeaf>>(env));
  exports.Set("gradFunction", Napi::Function::New<callback<GradFunction>>(env));
  exports.Set("gradEnabled", Napi::Function::New<callback<GradEnabled>>(env));
  exports.Set("setGradEnabled", Napi::Function::New<callback<SetGradEnabled>>(env));
}

}  // namespace eegtorch
