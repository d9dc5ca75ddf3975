#include "core/tape.h"

#include <ATen/core/List.h>
#include <ATen/core/grad_mode.h>

#include "core/error.h"

namespace eegtorch {

namespace {

using Place = TapeStep::Place;

// Calls visit(element or -1, tensor) for each defined tensor in a value.
template <class Visit>
void eachTensor(const c10::IValue& value, const Visit& visit) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) visit(-1, value.toTensor());
  } else if (value.isTensorList()) {
    const auto list = value.toTensorList();
    for (size_t i = 0; i < list.size(); i++) visit(static_cast<int64_t>(i), at::Tensor(list.get(i)));
  } else if (value.isList()) {  // of optional tensors
    const auto list = value.toListRef();
    for (size_t i = 0; i < list.size(); i++)
      if (list[i].isTensor()) visit(static_cast<int64_t>(i), list[i].toTensor());
  }
}

at::Tensor tensorAt(const c10::IValue& value, int64_t element) {
  return element < 0 ? value.toTensor() : value.toListRef()[element].toTensor();
}

// The recorded arguments with what the registers hold now.
torch::jit::Stack fill(const TapeStep& step, const Tensors& registers) {
  auto stack = step.arguments;
  for (const auto& [position, element, reg] : step.reads) {
    if (element < 0) {
      stack[position] = registers[reg];
      continue;
    }
    auto list = stack[position].toList();
    // A list is shared between copies of its value: the first place makes one for this call.
    if (list.is(step.arguments[position].toList())) stack[position] = list = list.copy();
    list.set(element, registers[reg]);
  }
  return stack;
}

}  // namespace

Tensors Tape::replay(const Tensors& inputs) const {
  TORCH_INTERNAL_ASSERT(inputs.size() == inputs_);
  const bool entry = at::GradMode::is_enabled();
  const at::AutoGradMode restore(entry);
  Tensors registers(registers_);
  std::copy(inputs.begin(), inputs.end(), registers.begin());
  for (const auto& step : steps_) {
    if (step.returns_to_entry) at::GradMode::set_enabled(entry);
    auto stack = fill(step, registers);
    step.call(stack);
    for (const auto& [position, element, reg] : step.writes) registers[reg] = tensorAt(stack[position], element);
    for (const size_t reg : step.last_reads) registers[reg].reset();
  }
  Tensors outputs = constant_outputs_;
  for (size_t i = 0; i < outputs.size(); i++)
    if (!outputs[i].defined()) outputs[i] = registers[output_registers_[i]];
  return outputs;
}

TapeRecorder::TapeRecorder(const Tensors& inputs) : entry_(at::GradMode::is_enabled()) {
  tape_.inputs_ = inputs.size();
  for (const auto& input : inputs) {
    if (depends(input))
      throw Error("INVALID_OPTION", "a recorded function was given one tensor twice", "different tensors", "the same");
    add(input);
  }
}

size_t TapeRecorder::add(const at::Tensor& tensor) {
  alive_.push_back(tensor);
  return registers_[tensor.unsafeGetTensorImpl()] = tape_.registers_++;
}

std::vector<Place> TapeRecorder::placesOf(const torch::jit::Stack& values, bool known) const {
  std::vector<Place> places;
  for (size_t i = 0; i < values.size(); i++)
    eachTensor(values[i], [&](int64_t element, const at::Tensor& tensor) {
      const auto found = registers_.find(tensor.unsafeGetTensorImpl());
      if ((found != registers_.end()) == known) places.push_back({i, element, known ? found->second : 0});
    });
  return places;
}

void TapeRecorder::note(std::function<void(torch::jit::Stack&)> call, const torch::jit::Stack& arguments,
                        const torch::jit::Stack& results) {
  TapeStep step{std::move(call), arguments, placesOf(arguments, true), {}, {}};
  // The registers' own tensors need not live as long as the tape.
  for (const auto& place : step.reads)
    if (place.element < 0) step.arguments[place.position] = at::Tensor();
  step.writes = placesOf(results, false);
  for (auto& place : step.writes) place.reg = add(tensorAt(results[place.position], place.element));
  tape_.steps_.push_back(std::move(step));
}

void TapeRecorder::noteGradMode(bool enabled) {
  TapeStep step{[](torch::jit::Stack&) {}, {}, {}, {}, {}};
  if (enabled == entry_)
    step.returns_to_entry = true;
  else
    step.call = [enabled](torch::jit::Stack&) { at::GradMode::set_enabled(enabled); };
  tape_.steps_.push_back(std::move(step));
}

Tape TapeRecorder::finish(const Tensors& outputs) {
  std::vector<bool> needed(tape_.registers_);
  for (const auto& output : outputs) {
    const auto found = registers_.find(output.unsafeGetTensorImpl());
    const bool computed = found != registers_.end();
    tape_.constant_outputs_.push_back(computed ? at::Tensor() : output);
    tape_.output_registers_.push_back(computed ? found->second : 0);
    if (computed) needed[found->second] = true;
  }
  for (auto step = tape_.steps_.rbegin(); step != tape_.steps_.rend(); ++step)
    for (const auto* places : {&step->reads, &step->writes})
      for (const auto& place : *places) {
        if (!needed[place.reg]) step->last_reads.push_back(place.reg);
        needed[place.reg] = true;
      }
  return std::move(tape_);
}

}  // namespace eegtorch
