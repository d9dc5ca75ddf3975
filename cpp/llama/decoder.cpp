#include "llama/decoder.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <limits>

#include "core/check.h"

namespace eegtorch {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

void check(const DecodeOptions& o) {
  const OptionCheck options("generate");
  options.size("max_new_tokens", o.max_new_tokens);
  options.positive("temperature", o.temperature);
  options.require(o.top_k >= 0, "top_k", "0 or more", std::to_string(o.top_k));
  options.require(o.top_p > 0 && o.top_p <= 1, "top_p", "above 0, at most 1", std::to_string(o.top_p));
  options.positive("repetition_penalty", o.repetition_penalty);
}

at::Tensor likeliest(const at::Tensor& logits, int64_t count) {
  const auto least = std::get<0>(logits.topk(std::min(count, logits.size(1)), 1)).narrow(1, -1, 1);
  return logits.masked_fill(logits < least, kNever);
}

// The likeliest tokens that together have probability p, one at least.
at::Tensor nucleus(const at::Tensor& logits, double p) {
  const auto [sorted, order] = logits.sort(1);
  auto removed = sorted.softmax(1).cumsum(1) <= 1 - p;
  removed.narrow(1, -1, 1).fill_(false);
  return logits.masked_fill(removed.scatter(1, order, removed), kNever);
}

at::Tensor oneOf(const at::Tensor& tokens, const std::vector<int64_t>& wanted) {
  return at::isin(tokens, at::tensor(wanted, at::kLong));
}

}  // namespace

at::Tensor adjustLogits(const at::Tensor& logits, const at::Tensor& seen, const DecodeOptions& options) {
  auto x = logits;
  if (seen.defined()) {
    const double penalty = options.repetition_penalty;
    x = at::where(seen, at::where(x < 0, x * penalty, x / penalty), x);
  }
  if (!options.sample) return x;
  if (options.temperature != 1) x = x / options.temperature;
  if (options.top_k > 0) x = likeliest(x, options.top_k);
  return options.top_p < 1 ? nucleus(x, options.top_p) : x;
}

Decoder::Decoder(LlamaImpl& model, at::Tensor embeds, at::Tensor mask, const at::Tensor& prompt,
                 const DecodeOptions& options)
    : model_(model),
      options_(options),
      cache_(model.config().num_hidden_layers, embeds.size(1) + options.max_new_tokens),
      embeds_(std::move(embeds)),
      mask_(std::move(mask)) {
  check(options);
  const int64_t batch = embeds_.size(0), vocab = model.config().vocab_size;
  going_on_ = at::ones({batch}, at::kBool);
  generator_ = at::detail::createCPUGenerator(static_cast<uint64_t>(options.seed));
  if (options.repetition_penalty == 1) return;
  seen_ = at::zeros({batch, vocab + 1}, at::kBool);  // the last column takes what is none
  if (prompt.defined()) seen_.scatter_(1, prompt.cpu().masked_fill(prompt.cpu() < 0, vocab), true);
}

at::Tensor Decoder::choose(const at::Tensor& logits) {
  const auto seen = seen_.defined() ? seen_.narrow(1, 0, logits.size(1)) : at::Tensor();
  const auto adjusted = adjustLogits(logits, seen, options_);
  return options_.sample ? at::multinomial(adjusted.softmax(1), 1, false, generator_).squeeze(1) : adjusted.argmax(1);
}

at::Tensor Decoder::next() {
  const at::NoGradGuard no_grad;
  const auto hidden = model_.hidden(embeds_, mask_, &cache_);
  const auto logits = model_.logits(hidden.narrow(1, -1, 1)).squeeze(1).to(at::kCPU, at::kFloat);
  if (!logits.isfinite().all().item<bool>())
    throw Error("DIVERGED", "llama: the logits are not finite", "numbers", "NaN or infinity");
  const auto tokens = at::where(going_on_, choose(logits), options_.pad_token);
  if (!options_.stop_tokens.empty())
    going_on_ = going_on_.logical_and(oneOf(tokens, options_.stop_tokens).logical_not());
  if (seen_.defined()) seen_.scatter_(1, tokens.unsqueeze(1), true);
  finished_ = ++count_ >= options_.max_new_tokens || !going_on_.any().item<bool>();
  if (finished_) return tokens;
  embeds_ = model_.embed(tokens.to(embeds_.device())).unsqueeze(1).to(embeds_.scalar_type());
  if (mask_.defined()) mask_ = at::cat({mask_, at::ones({mask_.size(0), 1}, mask_.options())}, 1);
  return tokens;
}

at::Tensor Decoder::rest() {
  const auto all = at::full({going_on_.size(0), options_.max_new_tokens}, options_.pad_token, at::kLong);
  while (!finished_) {
    const int64_t column = count_;
    all.select(1, column).copy_(next());
  }
  return all;
}

}  // namespace eegtorch
