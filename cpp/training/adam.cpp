#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

#include "core/check.h"
#include "core/value.h"
#include "training/update_rules.h"

namespace eegtorch {
namespace {

struct AdamConfig {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool amsgrad = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("lr", lr, "learning rate");
    visit("beta1", beta1, "decay of the mean of gradients");
    visit("beta2", beta2, "decay of the mean of squared gradients");
    visit("eps", eps, "added to the denominator");
    visit("weight_decay", weight_decay, "pull of the weights to zero");
    visit("amsgrad", amsgrad, "keep the largest second moment (Reddi et al. 2018)");
  }
};

struct AdamWConfig : AdamConfig {
  AdamWConfig() { weight_decay = 1e-2; }
};

void check(const AdamConfig& config, const char* name) {
  const OptionCheck options(name);
  options.weight("lr", config.lr);
  for (const auto& [option, value] : {std::pair("beta1", config.beta1), std::pair("beta2", config.beta2)})
    options.require(value >= 0 && value < 1, option, "a number from 0 to below 1", Value(value).show());
  options.weight("eps", config.eps);
  options.weight("weight_decay", config.weight_decay);
}

// One rule for both: they differ in where the decay enters, which the kernel knows.
class Adam : public UpdateRule {
 public:
  Adam(const AdamConfig& config, bool decoupled) : config_(config), decoupled_(decoupled) {}

  std::vector<std::string> keeps() const override {
    std::vector<std::string> names = {"step", "exp_avg", "exp_avg_sq"};
    if (config_.amsgrad) names.push_back("max_exp_avg_sq");
    return names;
  }
  double learningRate() const override { return config_.lr; }

  void update(UpdateLists& lists, const at::Tensor& rate, const std::optional<at::Tensor>& found_inf) override {
    auto& steps = lists.kept[0];
    at::_foreach_add_(steps, 1);
    const auto largest = config_.amsgrad ? at::TensorList(lists.kept[3]) : at::TensorList();
    const auto kernel = decoupled_ ? static_cast<Kernel*>(at::_fused_adamw_) : static_cast<Kernel*>(at::_fused_adam_);
    kernel(lists.parameters, lists.gradients, lists.kept[1], lists.kept[2], largest, steps, rate, config_.beta1,
           config_.beta2, config_.weight_decay, config_.eps, config_.amsgrad, /*maximize=*/false, std::nullopt,
           found_inf);
    // A step that did not happen is not counted; no read-back, so that it can be captured.
    if (found_inf) at::_foreach_sub_(steps, std::vector<at::Tensor>(steps.size(), *found_inf));
  }

 private:
  using Kernel = void(at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                      const at::Tensor&, double, double, double, double, bool, bool, const std::optional<at::Tensor>&,
                      const std::optional<at::Tensor>&);
  AdamConfig config_;
  bool decoupled_;
};

template <class Config>
OptimizerEntry entry(const char* name, const char* doc, bool decoupled) {
  return {name, doc, [] { return describeConfig<Config>(); },
          [name, decoupled](const Value& options) {
            const auto config = readConfig<Config>(options, name);
            check(config, name);
            return std::make_unique<Adam>(config, decoupled);
          }};
}

}  // namespace

OptimizerEntry adam() { return entry<AdamConfig>("adam", "Adam (Kingma and Ba 2015)", false); }
OptimizerEntry adamw() {
  return entry<AdamWConfig>("adamw", "Adam with decoupled weight decay (Loshchilov and Hutter 2019)", true);
}

}  // namespace eegtorch
