#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sqrt.h>

#include "core/check.h"
#include "training/update_rules.h"

namespace eegtorch {
namespace {

struct RmspropConfig {
  double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
  bool centered = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("lr", lr, "learning rate");
    visit("alpha", alpha, "decay of the mean of squared gradients");
    visit("eps", eps, "added to the denominator");
    visit("weight_decay", weight_decay, "pull of the weights to zero");
    visit("momentum", momentum, "share of the last move that is kept");
    visit("centered", centered, "divide by the standard deviation of the gradient, not its root mean square");
  }
};

class Rmsprop : public UpdateRule {
 public:
  explicit Rmsprop(const RmspropConfig& config) : config_(config) {
    const OptionCheck options("rmsprop");
    options.weight("lr", config.lr);
    options.weight("alpha", config.alpha);
    options.weight("eps", config.eps);
    options.weight("weight_decay", config.weight_decay);
    options.weight("momentum", config.momentum);
  }

  std::vector<std::string> keeps() const override {
    std::vector<std::string> names = {"square_avg"};
    if (config_.centered) names.push_back("grad_avg");
    if (config_.momentum != 0) names.push_back("momentum_buffer");
    return names;
  }
  double learningRate() const override { return config_.lr; }

  void update(UpdateLists& lists, const at::Tensor& rate, const std::optional<at::Tensor>& found_inf) override {
    // There is no fused kernel that could look at found_inf, so it is read here.
    if (found_inf && found_inf->item<float>() != 0) return;
    auto gradients = lists.gradients;
    if (config_.weight_decay != 0) gradients = at::_foreach_add(gradients, lists.parameters, config_.weight_decay);

    auto& squares = lists.kept[0];
    at::_foreach_mul_(squares, config_.alpha);
    at::_foreach_addcmul_(squares, gradients, gradients, 1 - config_.alpha);
    const auto scale = denominators(lists, gradients);

    const double lr = rate.item<double>();
    if (config_.momentum == 0) return at::_foreach_addcdiv_(lists.parameters, gradients, scale, -lr);
    auto& buffers = lists.kept.back();
    at::_foreach_mul_(buffers, config_.momentum);
    at::_foreach_addcdiv_(buffers, gradients, scale);
    at::_foreach_add_(lists.parameters, buffers, -lr);
  }

 private:
  std::vector<at::Tensor> denominators(UpdateLists& lists, const std::vector<at::Tensor>& gradients) const {
    std::vector<at::Tensor> scale;
    if (config_.centered) {
      auto& means = lists.kept[1];
      at::_foreach_lerp_(means, gradients, 1 - config_.alpha);
      scale = at::_foreach_addcmul(lists.kept[0], means, means, -1);
      at::_foreach_sqrt_(scale);
    } else {
      scale = at::_foreach_sqrt(lists.kept[0]);
    }
    at::_foreach_add_(scale, config_.eps);
    return scale;
  }

  RmspropConfig config_;
};

}  // namespace

OptimizerEntry rmsprop() {
  return {
      "rmsprop", "gradients over their root mean square", [] { return describeConfig<RmspropConfig>(); },
      [](const Value& options) { return std::make_unique<Rmsprop>(readConfig<RmspropConfig>(options, "rmsprop")); }};
}

}  // namespace eegtorch
