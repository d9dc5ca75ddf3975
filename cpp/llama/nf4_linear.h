// A linear layer whose weight is held in four bits (NF4, Dettmers et al. 2023, NeurIPS, arXiv 2305.14314, QLoRA).
// Reference: bitsandbytes, Linear4bit, whose checkpoints have tensors of these names.
#pragma once

#include <torch/nn/pimpl.h>

#include "core/config.h"
#include "core/dense_weight.h"
#include "core/methods.h"
#include "core/model.h"
#include "llama/nf4.h"

namespace eegtorch {

inline constexpr double kLlamaDeviation = 0.02;  // of new weights, as in transformers
inline constexpr int64_t kNf4Block = 64;         // weights that share a scale, unless told otherwise

struct Nf4LinearConfig {
  int64_t in_features = 64;
  int64_t out_features = 64;
  bool bias = false;
  int64_t blocksize = kNf4Block;
  bool double_quant = true;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("in_features", in_features, "values that come in");
    visit("out_features", out_features, "values that go out");
    visit("bias", bias, "whether the layer has a bias");
    visit("blocksize", blocksize, "weights that share a scale");
    visit("double_quant", double_quant, "whether the scales are quantised too");
  }
};

// y = x W^T + b. Tensors: weight (the codes), weight.absmax and the like; the offset of the scales, which bitsandbytes
// keeps in a description, is a tensor here, weight.nested_offset. A dense weight may be loaded in their place. Nothing
// of them is trained, or moves to half precision.
class Nf4LinearImpl : public ModelImpl, public HasMethods, public TakesDenseWeight {
 public:
  explicit Nf4LinearImpl(const Nf4LinearConfig& config = {});

  // x (batch, in_features) -> output (batch, out_features)
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override;
  // dequantise: nothing -> the weight (out_features, in_features) that the codes stand for, float32
  std::vector<at::Tensor> call(const std::string& method, const std::vector<at::Tensor>& inputs) override;

  at::Tensor forward(const at::Tensor& x);  // (..., in_features) -> (..., out_features)
  at::Tensor dequantised(at::ScalarType dtype) const;
  const at::Tensor& bias() const { return bias_; }  // or undefined

  std::vector<int64_t> denseShape() const override { return {config_.out_features, config_.in_features}; }
  void takeDense(const at::Tensor& weight, at::Device device) override;

 private:
  Nf4LinearConfig config_;
  Nf4Matrix matrix_;
  at::Tensor bias_;
};
TORCH_MODULE(Nf4Linear);

}  // namespace eegtorch
