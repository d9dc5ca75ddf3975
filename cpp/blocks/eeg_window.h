// What networks of EEG windows share: options for channels, samples and classes, and a check of what comes in.
#pragma once

#include "core/check.h"

namespace eegtorch {

// n_chans and n_times; n_outputs and sfreq where the config has them.
template <class Config>
void checkWindowOptions(const OptionCheck& options, const Config& config) {
  options.size("n_chans", config.n_chans);
  if constexpr (requires { config.n_outputs; }) options.size("n_outputs", config.n_outputs);
  options.size("n_times", config.n_times);
  if constexpr (requires { config.sfreq; }) options.positive("sfreq", config.sfreq);
}

// Refuses what is not (batch, n_chans, n_times); see checkInput.
template <class Config>
void checkWindows(const char* model, const at::Tensor& eeg, const at::Tensor& parameter, const Config& config) {
  checkInput(model, eeg, parameter, {"batch", {config.n_chans, "channels"}, {config.n_times, "samples"}});
}

}  // namespace eegtorch
