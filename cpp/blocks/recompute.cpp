#include "blocks/recompute.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/scopes.h"

namespace eegtorch {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The default generator of a GPU in a former state, for a block. Nothing happens on the CPU, whose is a RandomScope's.
class DeviceRandomScope {
 public:
  DeviceRandomScope(at::Device device, const at::Tensor& state) : device_(device) {
    if (!device.is_cuda()) return;
    before_ = generator().get_state();
    generator().set_state(state);
  }
  ~DeviceRandomScope() {
    if (before_.defined()) generator().set_state(before_);
  }
  DeviceRandomScope(const DeviceRandomScope&) = delete;

  static at::Tensor stateOf(at::Device device) { return at::globalContext().defaultGenerator(device).get_state(); }

 private:
  at::Generator generator() const { return at::globalContext().defaultGenerator(device_); }

  at::Device device_;
  at::Tensor before_;
};

// What a part depends on besides its input.
struct State final : torch::CustomClassHolder {
  std::function<at::Tensor(const at::Tensor&)> part;
  at::Tensor random, device_random;
  std::optional<at::ScalarType> autocast;
};

at::Tensor cpuRandom() {
  auto generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

struct Recompute : torch::autograd::Function<Recompute> {
  // anchor: requires a gradient, so that a part whose input needs none is differentiated for its parameters.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& anchor,
                            const c10::intrusive_ptr<State>& state) {
    const auto device = x.device();
    state->random = cpuRandom();
    if (device.is_cuda()) state->device_random = DeviceRandomScope::stateOf(device);
    if (at::autocast::is_autocast_enabled(device.type()))
      state->autocast = at::autocast::get_autocast_dtype(device.type());
    ctx->save_for_backward({x});
    ctx->saved_data["state"] = c10::IValue::make_capsule(state);
    return state->part(x);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto state = c10::static_intrusive_pointer_cast<State>(ctx->saved_data["state"].toCapsule());
    const at::Tensor given = ctx->get_saved_variables()[0];
    const bool wanted = ctx->needs_input_grad(0);
    const at::Tensor x = given.detach().requires_grad_(wanted);
    at::Tensor y, random = state->random;
    const at::AutoGradMode grad(true);
    {
      const RandomScope scope(random);
      const DeviceRandomScope device_scope(x.device(), state->device_random);
      const AutocastScope autocast(x.device().type(), state->autocast);
      y = state->part(x);
    }
    torch::autograd::backward({y}, {grads[0]});
    return {wanted ? x.grad() : at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor recompute(std::function<at::Tensor(const at::Tensor&)> part, const at::Tensor& x) {
  if (!at::GradMode::is_enabled()) return part(x);
  const auto state = c10::make_intrusive<State>();
  state->part = std::move(part);
  return Recompute::apply(x, at::zeros({}, x.options().dtype(at::kFloat)).requires_grad_(), state);
}

}  // namespace eegtorch
