// Infomax (Bell and Sejnowski 1995) and extended Infomax (Lee, Girolami and Sejnowski 1999): stochastic
// natural-gradient steps over shuffled blocks of samples, with the steps, draws and stopping rules of MNE's `infomax`.
#pragma once

#include <optional>

#include "signal/fastica.h"

namespace eegtorch {

struct InfomaxOptions {
  int64_t seed = 0;
  bool extended = true;                       // sources may be flatter than a Gaussian, as line noise is
  std::optional<double> l_rate;               // 0.01 / log(components^2)
  std::optional<int64_t> block;               // samples of a step; floor(sqrt(samples / 3))
  double w_change = 1e-12;                    // stop where the weights change by less between two passes
  double anneal_deg = 60, anneal_step = 0.9;  // the rate falls by the step where the change turns by more degrees
  int64_t n_subgauss = 1;                     // sources taken as flat at first
  int64_t kurt_size = 6000;                   // samples from which kurtosis is estimated
  int64_t ext_blocks = 1;                     // blocks between two estimates, at first
  int64_t max_iter = 200;                     // passes over the recording
  double blowup = 10000, blowup_fac = 0.5;    // the rate falls by the factor where the weights change by more
  std::optional<int64_t> n_small_angle = 20;  // passes without a turn after which to stop
  bool use_bias = true;
};

// white: (components, samples), of unit covariance.
Unmixing infomax(const at::Tensor& white, const InfomaxOptions& options);

}  // namespace eegtorch
