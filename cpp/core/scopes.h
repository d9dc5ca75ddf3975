// Thread-local modes that hold for a block.
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/autocast_mode.h>

#include <mutex>
#include <optional>

namespace eegtorch {

// Autocast to a type on one kind of device.
class AutocastScope {
 public:
  AutocastScope(at::DeviceType device, std::optional<at::ScalarType> type)
      : device_(device),
        enabled_(at::autocast::is_autocast_enabled(device)),
        type_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device, type.has_value());
    if (type) at::autocast::set_autocast_dtype(device, *type);
    at::autocast::increment_nesting();
  }
  ~AutocastScope() {
    // The outermost scope drops the cast weights: they change with the next step.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, enabled_);
    at::autocast::set_autocast_dtype(device_, type_);
  }
  AutocastScope(const AutocastScope&) = delete;

 private:
  at::DeviceType device_;
  bool enabled_;
  at::ScalarType type_;
};

// The state of a generator that was seeded, for a RandomScope.
inline at::Tensor seedState(int64_t seed) {
  auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(seed));
  return generator.get_state();
}

// Random numbers from a stream of one's own: the default CPU generator holds `state` inside the block and what it held
// before after it. Nothing happens when `state` is undefined.
class RandomScope {
 public:
  explicit RandomScope(at::Tensor& state) : state_(state) {
    if (!state.defined()) return;
    auto generator = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(generator.mutex());
    before_ = generator.get_state();
    generator.set_state(state);
  }
  ~RandomScope() {
    if (!state_.defined()) return;
    auto generator = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(generator.mutex());
    state_ = generator.get_state();
    generator.set_state(before_);
  }
  RandomScope(const RandomScope&) = delete;

 private:
  at::Tensor& state_;
  at::Tensor before_;
};

}  // namespace eegtorch
