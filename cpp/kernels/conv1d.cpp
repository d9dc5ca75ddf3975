#include "kernels/conv1d.h"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/dispatch.h"
#include "kernels/plain.h"

namespace eegtorch::kernels {

namespace {

using torch::autograd::AutogradContext;

constexpr int64_t kFewestWeights = 256 * 256;  // of one tap

struct Convolution {
  int64_t stride, padding;

  at::Tensor plain(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const {
    return at::conv1d(x, weight, bias, stride, padding);
  }
};

// All windows in one line of rows, one row a sample. Before each window and behind the last are zeros, which neighbours
// share; a window takes a whole number of strides, so that output n of the line reads the rows from n * stride on.
// Outputs of a window beyond `results` mean nothing.
struct Line {
  int64_t batch, in, out, steps, taps, stride, padding, results, period;

  Line(const at::Tensor& x, const at::Tensor& weight, const Convolution& conv)
      : batch(x.size(0)),
        in(x.size(1)),
        out(weight.size(0)),
        steps(x.size(2)),
        taps(weight.size(2)),
        stride(conv.stride),
        padding(conv.padding),
        results((steps + 2 * padding - taps) / stride + 1),
        period(std::max(results, (steps + padding + stride - 1) / stride)) {}

  int64_t outputs() const { return batch * period; }
  int64_t rows() const { return outputs() * stride + taps; }

  // What a tap reads for each output: a view of (rows, channels).
  at::Tensor readBy(int64_t tap, const at::Tensor& line) const {
    return line.slice(0, tap, tap + (outputs() - 1) * stride + 1, stride);
  }
  // The samples of windows: a view (batch, steps, channels).
  at::Tensor samples(const at::Tensor& line) const {
    return line.narrow(0, 0, outputs() * stride).view({batch, period * stride, in}).narrow(1, padding, steps);
  }
  // The results of windows: a view (batch, results, channels).
  at::Tensor resultsOf(const at::Tensor& outputs) const {
    return outputs.view({batch, period, out}).narrow(1, 0, results);
  }

  at::Tensor lineOf(const at::Tensor& x) const {
    const auto line = at::empty({rows(), in}, x.options());
    const auto windows = line.narrow(0, 0, outputs() * stride).view({batch, period * stride, in});
    samples(line).copy_(x.transpose(1, 2));
    windows.narrow(1, 0, padding).zero_();
    windows.narrow(1, padding + steps, period * stride - padding - steps).zero_();
    line.narrow(0, outputs() * stride, taps).zero_();
    return line;
  }
  at::Tensor outputsOf(const at::Tensor& grad) const {
    const auto outputs = at::empty({this->outputs(), out}, grad.options());
    resultsOf(outputs).copy_(grad.transpose(1, 2));
    outputs.view({batch, period, out}).narrow(1, results, period - results).zero_();
    return outputs;
  }
};

at::Tensor channelsFirst(const at::Tensor& x) { return x.transpose(1, 2).contiguous(); }

// (taps, out, in): copied from rows to rows.
at::Tensor matricesOf(const at::Tensor& weight) { return weight.permute({2, 0, 1}).contiguous(); }

at::Tensor forwardLine(const Line& line, const at::Tensor& rows, const at::Tensor& weight, const at::Tensor& bias) {
  const auto matrices = matricesOf(weight);
  auto outputs = at::empty({line.outputs(), line.out}, rows.options());
  if (bias.defined())
    at::addmm_out(outputs, bias, line.readBy(0, rows), matrices[0].t());
  else
    at::mm_out(outputs, line.readBy(0, rows), matrices[0].t());
  for (int64_t tap = 1; tap < line.taps; tap++) outputs.addmm_(line.readBy(tap, rows), matrices[tap].t());
  return channelsFirst(line.resultsOf(outputs));
}

at::Tensor inputGradient(const Line& line, const at::Tensor& grad, const at::Tensor& weight) {
  const auto matrices = matricesOf(weight);
  const auto rows = at::zeros({line.rows(), line.in}, grad.options());
  for (int64_t tap = 0; tap < line.taps; tap++) line.readBy(tap, rows).addmm_(grad, matrices[tap]);
  return channelsFirst(line.samples(rows));
}

at::Tensor weightGradient(const Line& line, const at::Tensor& rows, const at::Tensor& grad) {
  const auto matrices = at::empty({line.taps, line.out, line.in}, grad.options());
  for (int64_t tap = 0; tap < line.taps; tap++) {
    auto matrix = matrices[tap];
    at::mm_out(matrix, grad.t(), line.readBy(tap, rows));
  }
  return matrices.permute({1, 2, 0}).contiguous();
}

struct ConvolvedLine : torch::autograd::Function<ConvolvedLine> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& given_bias, int64_t stride, int64_t padding) {
    const auto bias = given_bias.value_or(at::Tensor());
    const Line line(x, weight, {stride, padding});
    const auto rows = line.lineOf(x);
    ctx->save_for_backward({x, weight, bias, rows});
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["padding"] = padding;
    return forwardLine(line, rows, weight, bias);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &bias = saved[2];
    const Convolution conv{ctx->saved_data["stride"].toInt(), ctx->saved_data["padding"].toInt()};
    const auto needed = [&](size_t i) { return saved[i].defined() && ctx->needs_input_grad(i); };
    variable_list result;
    if (at::GradMode::is_enabled()) {
      const auto forward = [&](const variable_list& in) { return conv.plain(in[0], in[1], in[2]); };
      result = plainGradients(forward, {x, weight, bias}, grads[0], {needed(0), needed(1), needed(2)});
    } else {
      const Line line(x, weight, conv);
      const auto grad = line.outputsOf(grads[0]);
      result.resize(3);
      if (needed(0)) result[0] = inputGradient(line, grad, weight);
      if (needed(1)) result[1] = weightGradient(line, saved[3], grad);
      if (needed(2)) result[2] = grad.sum(0);
    }
    result.resize(5);
    return result;
  }
};

// The padding in samples where the convolution is a plain one.
std::optional<int64_t> plainPadding(const torch::nn::Conv1dImpl& conv) {
  const auto& options = conv.options;
  const auto* padding = std::get_if<torch::ExpandingArray<1>>(&options.padding());
  const bool plain = padding && options.groups() == 1 && options.dilation()->at(0) == 1 &&
                     std::holds_alternative<torch::enumtype::kZeros>(options.padding_mode());
  return plain ? std::optional((*padding)->at(0)) : std::nullopt;
}

}  // namespace

at::Tensor conv1d(const at::Tensor& x, torch::nn::Conv1dImpl& conv) {
  const auto &weight = conv.weight, &bias = conv.bias;
  const auto padding = plainPadding(conv);
  const bool fits = isMklFast() && padding && weight.size(0) * weight.size(1) >= kFewestWeights && x.dim() == 3 &&
                    x.size(0) > 0 && x.size(1) == weight.size(1) && x.size(2) + 2 * *padding >= weight.size(2);
  if (!fits || !applies({x, weight, bias}) || !isRecorded({x, weight, bias})) return conv.forward(x);
  const auto given_bias = bias.defined() ? std::optional(bias) : std::nullopt;
  return ConvolvedLine::apply(x, weight, given_bias, conv.options.stride()->at(0), *padding);
}

}  // namespace eegtorch::kernels
