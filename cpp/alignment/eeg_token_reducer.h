// Averages an encoder's features over the channels of each region (EEGTokenReducer of the EEG-to-image design
// document). It has no weights. Reference: test/oracle/models/eeg/eeg_token_reducer.py.
#pragma once

#include "core/config.h"
#include "core/model.h"

namespace eegtorch {

struct EegTokenReducerConfig {
  std::vector<int64_t> brain_regions = {0, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
  int64_t n_patches = 4;
  int64_t dim = 200;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("brain_regions", brain_regions, "region of each channel that comes in; after csbrain, in ascending order");
    visit("n_patches", n_patches, "patches of a window");
    visit("dim", dim, "width of a token");
  }
};

class EegTokenReducerImpl : public ModelImpl {
 public:
  explicit EegTokenReducerImpl(const EegTokenReducerConfig& config = {});

  // features (batch, channels, n_patches, dim) -> tokens (batch, regions * n_patches, dim), region by region in
  // ascending order
  at::Tensor forward(const at::Tensor& features);
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) override { return {forward(inputs.at(0))}; }

 private:
  EegTokenReducerConfig config_;
  std::vector<std::vector<int64_t>> groups_;  // channels of each region
};
TORCH_MODULE(EegTokenReducer);

}  // namespace eegtorch
