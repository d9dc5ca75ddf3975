// A network that was written outside C++: its tensors by dotted names, and tapes of its forward, one for each mode and
// each set of input shapes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "core/model.h"
#include "core/named_tensors.h"
#include "core/tape.h"

namespace eegtorch {

class RecordedModelImpl : public ModelImpl {
 public:
  // Shares the tensors. Order and names are those of the state dict.
  RecordedModelImpl(const NamedTensors& parameters, const NamedTensors& buffers);

  // What the network does with contiguous inputs of these shapes in this mode. Replaces an older tape for the same.
  void addTape(bool training, const Tensors& inputs, std::shared_ptr<const Tape> tape);

  // Throws INTERNAL where no tape fits: whoever sends a batch records first.
  Tensors run(const Tensors& inputs) override;

 private:
  // Mode, and of each input its shape, dtype and device.
  using Key = std::tuple<bool, std::vector<std::tuple<std::vector<int64_t>, at::ScalarType, std::string>>>;
  static Key keyOf(bool training, const Tensors& inputs);

  std::mutex mutex_;  // recording goes on while another thread trains
  std::map<Key, std::shared_ptr<const Tape>> tapes_;
};

}  // namespace eegtorch
