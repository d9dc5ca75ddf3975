#include "vision/inception_v3.h"

#include <ATen/Functions.h>

#include "blocks/chain.h"
#include "core/check.h"
#include "core/error.h"

namespace eegtorch {

namespace {

using Shape = InceptionConvShape;

constexpr int64_t kSmallest = 75;                       // pixels on a side
constexpr std::array<size_t, 2> kPooledAfter = {3, 5};  // so many convolutions of the stem
const Shape kSquare3 = {{3, 3}, {1, 1}}, kSquare5 = {{5, 5}, {2, 2}}, kHalving = {{3, 3}, {0, 0}, 2};
const Shape kWide7 = {{1, 7}, {0, 3}}, kTall7 = {{7, 1}, {3, 0}}, kWide3 = {{1, 3}, {0, 1}}, kTall3 = {{3, 1}, {1, 0}};

void check(const InceptionV3Config& c) {
  const OptionCheck options("inception_v3");
  options.size("num_classes", c.num_classes);
  options.fraction("dropout", c.dropout);
  options.size("width_divisor", c.width_divisor);
}

// Grids of 35 x 35 from images of 299 x 299.
std::vector<InceptionBranch> fineBranches() {
  return {{{{"branch1x1", 64}}},
          {{{"branch5x5_1", 48}, {"branch5x5_2", 64, kSquare5}}},
          {{{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, kSquare3}, {"branch3x3dbl_3", 96, kSquare3}}}};
}

std::vector<InceptionBranch> toMiddleBranches() {
  return {{{{"branch3x3", 384, kHalving}}},
          {{{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, kSquare3}, {"branch3x3dbl_3", 96, kHalving}}}};
}

// 17 x 17; `inner` channels inside of the branches.
std::vector<InceptionBranch> middleBranches(int64_t inner) {
  return {{{{"branch1x1", 192}}},
          {{{"branch7x7_1", inner}, {"branch7x7_2", inner, kWide7}, {"branch7x7_3", 192, kTall7}}},
          {{{"branch7x7dbl_1", inner},
            {"branch7x7dbl_2", inner, kTall7},
            {"branch7x7dbl_3", inner, kWide7},
            {"branch7x7dbl_4", inner, kTall7},
            {"branch7x7dbl_5", 192, kWide7}}}};
}

std::vector<InceptionBranch> toCoarseBranches() {
  return {{{{"branch3x3_1", 192}, {"branch3x3_2", 320, kHalving}}},
          {{{"branch7x7x3_1", 192},
            {"branch7x7x3_2", 192, kWide7},
            {"branch7x7x3_3", 192, kTall7},
            {"branch7x7x3_4", 192, kHalving}}}};
}

// 8 x 8
std::vector<InceptionBranch> coarseBranches() {
  return {{{{"branch1x1", 320}}},
          {{{"branch3x3_1", 384}}, {{"branch3x3_2a", 384, kWide3}, {"branch3x3_2b", 384, kTall3}}},
          {{{"branch3x3dbl_1", 448}, {"branch3x3dbl_2", 384, kSquare3}},
           {{"branch3x3dbl_3a", 384, kWide3}, {"branch3x3dbl_3b", 384, kTall3}}}};
}

}  // namespace

InceptionV3Impl::InceptionV3Impl(const InceptionV3Config& config) : transforms_(config.transform_input) {
  check(config);
  divisor_ = config.width_divisor;
  addStem();
  addModules(config.aux_logits ? config.num_classes : 0);
  dropout_ = register_module("dropout", Dropout(config.dropout));
  fc_ = register_module("fc", Linear(width_, config.num_classes));
}

void InceptionV3Impl::addStem() {
  const std::vector<InceptionStep> steps = {{"Conv2d_1a_3x3", 32, kHalving},
                                            {"Conv2d_2a_3x3", 32, {{3, 3}}},
                                            {"Conv2d_2b_3x3", 64, kSquare3},
                                            {"Conv2d_3b_1x1", 80},
                                            {"Conv2d_4a_3x3", 192, {{3, 3}}}};
  for (const auto& [name, out, shape] : steps) {
    stem_.push_back(register_module(name, InceptionConv(width_, narrowed(out), shape)));
    width_ = narrowed(out);
  }
}

void InceptionV3Impl::addModules(int64_t auxiliary_classes) {
  addModule("Mixed_5b", fineBranches(), {32});
  addModule("Mixed_5c", fineBranches(), {64});
  addModule("Mixed_5d", fineBranches(), {64});
  addModule("Mixed_6a", toMiddleBranches(), {});
  addModule("Mixed_6b", middleBranches(128), {192});
  addModule("Mixed_6c", middleBranches(160), {192});
  addModule("Mixed_6d", middleBranches(160), {192});
  addModule("Mixed_6e", middleBranches(192), {192});
  if (auxiliary_classes > 0) addAuxiliary(auxiliary_classes);
  addModule("Mixed_7a", toCoarseBranches(), {});
  addModule("Mixed_7b", coarseBranches(), {192});
  addModule("Mixed_7c", coarseBranches(), {192});
}

void InceptionV3Impl::addModule(const std::string& name, std::vector<InceptionBranch> branches, InceptionPool pool) {
  for (auto& branch : branches) {
    for (auto& step : branch.steps) step.out = narrowed(step.out);
    for (auto& step : branch.side_by_side) step.out = narrowed(step.out);
  }
  const auto made = register_module(name, InceptionModule(width_, branches, InceptionPool{narrowed(pool.out)}));
  width_ = made->out();
  modules_.push_back(made);
}

void InceptionV3Impl::addAuxiliary(int64_t classes) {
  const auto auxiliary = register_module("AuxLogits", std::make_shared<Named>());
  auxiliary->register_module("conv0", InceptionConv(width_, narrowed(128)));
  auxiliary->register_module("conv1", InceptionConv(narrowed(128), narrowed(768), Shape{{5, 5}}));
  auxiliary->register_module("fc", Linear(narrowed(768), classes));
}

// From ImageNet's mean and deviation to -1 .. 1.
at::Tensor InceptionV3Impl::transformed(const at::Tensor& image) const {
  if (!transforms_) return image;
  const auto scale = at::tensor({0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5}, image.options());
  const auto shift = at::tensor({(0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5}, image.options());
  return image * scale.view({1, 3, 1, 1}) + shift.view({1, 3, 1, 1});
}

std::vector<at::Tensor> InceptionV3Impl::run(const std::vector<at::Tensor>& inputs) {
  const at::Tensor& image = inputs.at(0);
  checkInput("inception_v3", image, fc_->weight, {"images", {3, "colours"}, "height", "width"});
  if (image.size(2) < kSmallest || image.size(3) < kSmallest)
    throw Error("SHAPE_MISMATCH",
                "inception_v3 expects images of at least 75 x 75 pixels, received " + showShape(image.sizes()));
  auto x = transformed(image);
  for (size_t i = 0; i < stem_.size(); i++) {
    x = stem_[i]->forward(x);
    if (i + 1 == kPooledAfter[0] || i + 1 == kPooledAfter[1]) x = at::max_pool2d(x, 3, 2);
  }
  for (auto& part : modules_) x = part->forward(x);
  const auto features = x.mean({2, 3});
  return {fc_->forward(dropout_->forward(features)), features};
}

}  // namespace eegtorch
