#include "llama/decoder.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <limits>

#include "core/check.h"

namespace eegtorch {

namespace {

constexpr int64_t kRoomAtFirst = 4096;  // in the cache, for new tokens
constexpr double kNever = -std::numeric_limits<double>::infinity();

const DecodeOptions& checked(const DecodeOptions& o) {
  const OptionCheck options("generate");
  options.size("max_new_tokens", o.max_new_tokens);
  options.positive("temperature", o.temperature);
  options.require(o.top_k >= 0, "top_k", "0 or more", std::to_string(o.top_k));
  options.require(o.top_p > 0 && o.top_p <= 1, "top_p", "above 0, at most 1", std::to_string(o.top_p));
  options.positive("repetition_penalty", o.repetition_penalty);
  options.require(o.seed >= 0, "seed", "0 or more", std::to_string(o.seed));
  return o;
}

// The prefix in the model's type; everything checked.
Beginning checked(const LlamaImpl& model, Beginning given) {
  auto& [words, prefix, behind, mask] = given;
  if (prefix.defined()) {
    if (prefix.is_floating_point()) prefix = prefix.detach().to(model.like().scalar_type());
    checkInput("llama", prefix, model.like(), {"texts", "tokens", {model.config().hidden_size, "values"}});
  }
  if (words.defined()) {
    checkIndices("llama", words, {"texts", "words"});
    if (prefix.defined()) checkIndices("llama", words, {{prefix.size(0), "texts, one for each prefix"}, "words"});
    model.checkTokens(words.masked_fill(words == -1, 0));
  }
  const int64_t count = (words.defined() ? words.size(1) : 0) + (prefix.defined() ? prefix.size(1) : 0);
  if (count == 0) throw Error("INVALID_OPTION", "no text begins so", "one token at least", "none");
  const Axis texts{(words.defined() ? words : prefix).size(0), "texts"};
  if (mask.defined()) checkFlags("llama", mask, {texts, {count, "tokens"}});
  return given;
}

// (texts, tokens), 0 where a row is padded.
at::Tensor presence(const Beginning& given) {
  std::vector<at::Tensor> parts;
  if (given.words.defined()) parts.push_back(given.words >= 0);
  if (given.prefix.defined()) parts.push_back(at::ones(given.prefix.sizes().slice(0, 2), at::kBool));
  for (auto& part : parts) part = part.cpu();
  return at::cat(parts, 1);
}

// (texts, tokens, hidden_size); a prefix stands right beside the words of its row.
at::Tensor embedded(LlamaImpl& model, const Beginning& given) {
  const auto& prefix = given.prefix;
  if (!given.words.defined()) return prefix;
  const auto words = model.embed(given.words.clamp_min(0).to(model.like().device()));
  if (!prefix.defined()) return words;
  if (given.prefix_behind) return at::cat({words, prefix}, 1);
  const auto padding = (given.words < 0).sum(1).cpu();
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < words.size(0); i++) {
    const int64_t before = padding[i].item<int64_t>();
    const auto row = words[i];
    rows.push_back(at::cat({row.narrow(0, 0, before), prefix[i], row.narrow(0, before, row.size(0) - before)}));
  }
  return at::stack(rows);
}

int64_t roomBehind(int64_t tokens, const LlamaConfig& config) {
  const int64_t context = config.max_position_embeddings;
  if (tokens < context) return context - tokens;
  throw Error("INVALID_OPTION", "the text leaves no room for new tokens in the context of the language model",
              std::to_string(context - 1) + " tokens at most, a prefix included", std::to_string(tokens), "prompts");
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

Decoder::Decoder(LlamaImpl& model, const Beginning& beginning, const DecodeOptions& options)
    : model_(model), options_(checked(options)) {
  const at::NoGradGuard no_grad;
  const auto given = checked(model, beginning);
  embeds_ = embedded(model, given);
  const int64_t batch = embeds_.size(0), tokens = embeds_.size(1), vocab = model.config().vocab_size;
  options_.max_new_tokens = std::min(options.max_new_tokens, roomBehind(tokens, model.config()));
  cache_ = KeyValueCache(model.config().num_hidden_layers, tokens + std::min(options_.max_new_tokens, kRoomAtFirst));
  const auto present = given.mask.defined() ? given.mask : presence(given);
  if (!present.to(at::kBool).all().item<bool>()) mask_ = present.to(embeds_.device());
  going_on_ = at::ones({batch}, at::kBool);
  generator_ = at::detail::createCPUGenerator(static_cast<uint64_t>(options.seed));
  if (options.repetition_penalty == 1) return;
  seen_ = at::zeros({batch, vocab + 1}, at::kBool);  // the last column takes what is none
  if (!given.words.defined()) return;
  const auto words = given.words.cpu();
  seen_.scatter_(1, words.masked_fill(words < 0, vocab), true);
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

}  // namespace eegtorch
