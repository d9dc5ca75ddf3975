// Operators noted as they were called, to be called again with other inputs: no language and no look-up between them.
#pragma once

#include <ATen/core/stack.h>

#include <functional>
#include <unordered_map>
#include <vector>

#include "core/named_tensors.h"

namespace eegtorch {

// One call. Tensors that depend on the inputs stand in numbered registers; all else is in `arguments` as it was.
struct TapeStep {
  struct Place {
    size_t position;  // of the argument or result
    int64_t element;  // within a list of tensors; -1: the value itself
    size_t reg;
  };

  std::function<void(torch::jit::Stack&)> call;
  torch::jit::Stack arguments;
  std::vector<Place> reads, writes;
  std::vector<size_t> last_reads;  // registers that nothing needs afterwards
  bool returns_to_entry = false;   // gradients are recorded again as at the start of the replay
};

class Tape {
 public:
  // Runs every step. inputs: as many as were recorded, of the same shapes, dtypes and device.
  Tensors replay(const Tensors& inputs) const;

 private:
  friend class TapeRecorder;

  size_t inputs_ = 0, registers_ = 0;
  std::vector<TapeStep> steps_;
  std::vector<at::Tensor> constant_outputs_;  // undefined where a register gives it
  std::vector<size_t> output_registers_;
};

class TapeRecorder {
 public:
  explicit TapeRecorder(const Tensors& inputs);

  // A call that was made: arguments as they were before it, results as they came back.
  void note(std::function<void(torch::jit::Stack&)> call, const torch::jit::Stack& arguments,
            const torch::jit::Stack& results);

  // From here on, whether gradients are recorded: as at the start of the recording means as at that of each replay.
  void noteGradMode(bool enabled);

  // Whether a tensor depends on the inputs: its values may not decide what is recorded.
  bool depends(const at::Tensor& tensor) const { return registers_.contains(tensor.unsafeGetTensorImpl()); }

  Tape finish(const Tensors& outputs);

 private:
  size_t add(const at::Tensor& tensor);
  std::vector<TapeStep::Place> placesOf(const torch::jit::Stack& values, bool known) const;

  Tape tape_;
  std::unordered_map<c10::TensorImpl*, size_t> registers_;
  Tensors alive_;  // so that no address is used twice
  bool entry_;     // whether gradients were recorded at the start
};

}  // namespace eegtorch
