// Signals that have channels, and numbers of channels.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <vector>

namespace eegtorch {

// Refuses signals without a channel axis (SHAPE_MISMATCH), and what checkSignal refuses. x: (..., channels, samples).
void checkChannels(const char* owner, const at::Tensor& x);

// Refuses channel numbers that x does not have, or has twice. option: their name, for the message.
void checkChannelNumbers(const char* owner, const char* option, const at::Tensor& x, at::IntArrayRef channels);

// Channels of x that are not among `channels`, in order.
std::vector<int64_t> otherChannels(const at::Tensor& x, at::IntArrayRef channels);

}  // namespace eegtorch
