#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_sgd.h>

#include "core/check.h"
#include "core/value.h"
#include "training/update_rules.h"

namespace eegtorch {
namespace {

struct SgdConfig {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("lr", lr, "learning rate");
    visit("momentum", momentum, "share of the last move that is kept");
    visit("dampening", dampening, "share of the gradient that the momentum leaves out");
    visit("weight_decay", weight_decay, "pull of the weights to zero");
    visit("nesterov", nesterov, "look ahead along the momentum");
  }
};

class Sgd : public UpdateRule {
 public:
  explicit Sgd(const SgdConfig& config) : config_(config) {
    const OptionCheck options("sgd");
    options.weight("lr", config.lr);
    options.weight("momentum", config.momentum);
    options.weight("weight_decay", config.weight_decay);
    if (!config.nesterov) return;
    options.require(config.momentum > 0, "momentum", "a number above 0, as nesterov is true", "0");
    options.require(config.dampening == 0, "dampening", "0, as nesterov is true", Value(config.dampening).show());
  }

  std::vector<std::string> keeps() const override {
    if (config_.momentum == 0) return {};
    return {"step", "momentum_buffer"};
  }
  double learningRate() const override { return config_.lr; }

  void update(UpdateLists& lists, const at::Tensor& rate, const std::optional<at::Tensor>& found_inf) override {
    const bool moving = config_.momentum != 0;
    const auto buffers = moving ? at::TensorList(lists.kept[1]) : at::TensorList();
    at::_fused_sgd_(lists.parameters, lists.gradients, buffers, config_.weight_decay, config_.momentum, rate,
                    config_.dampening, config_.nesterov, /*maximize=*/false, moving && isFirst(lists), std::nullopt,
                    found_inf);
    if (!moving) return;
    at::_foreach_add_(lists.kept[0], 1);
    if (found_inf) at::_foreach_sub_(lists.kept[0], std::vector<at::Tensor>(lists.kept[0].size(), *found_inf));
  }

 private:
  // The first step takes the gradient undamped. Without dampening a buffer of zeros does the same, and nothing is read
  // back from the device.
  bool isFirst(const UpdateLists& lists) const { return config_.dampening != 0 && lists.kept[0][0].item<float>() == 0; }

  SgdConfig config_;
};

}  // namespace

OptimizerEntry sgd() {
  return {"sgd", "stochastic gradient descent, with momentum", [] { return describeConfig<SgdConfig>(); },
          [](const Value& options) { return std::make_unique<Sgd>(readConfig<SgdConfig>(options, "sgd")); }};
}

}  // namespace eegtorch
