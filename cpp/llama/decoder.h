// Texts that a language model continues, token by token.
#pragma once

#include <ATen/core/Generator.h>

#include "core/config.h"
#include "llama/llama.h"

namespace eegtorch {

struct DecodeOptions {
  int64_t max_new_tokens = 64;
  bool sample = false;
  double temperature = 1;
  int64_t top_k = 0;
  double top_p = 1;
  double repetition_penalty = 1;
  std::vector<int64_t> stop_tokens;
  int64_t pad_token = 0;
  int64_t seed = 0;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("max_new_tokens", max_new_tokens, "tokens at most");
    visit("sample", sample, "whether to draw tokens; else each is the likeliest");
    visit("temperature", temperature, "what logits are divided by before drawing");
    visit("top_k", top_k, "draw among so many likeliest tokens; 0 for all");
    visit("top_p", top_p, "draw among the likeliest tokens that have this probability together");
    visit("repetition_penalty", repetition_penalty, "what positive logits of tokens seen before are divided by");
    visit("stop_tokens", stop_tokens, "tokens after which a text ends");
    visit("pad_token", pad_token, "what follows the end of a text while others go on");
    visit("seed", seed, "of the draws");
  }
};

// The logits of a next token as drawing or choosing sees them: (batch, vocab), float32, likewise. seen: tokens of each
// text so far (batch, vocab), true or false, or undefined. Order and arithmetic are those of transformers.
at::Tensor adjustLogits(const at::Tensor& logits, const at::Tensor& seen, const DecodeOptions& options);

class Decoder {
 public:
  // embeds (batch, tokens, hidden_size): what came before. mask (batch, tokens), 0 where a row is padded on its left;
  // undefined where nothing is. prompt (batch, words), the ids among it, of which negative ones are none, or undefined:
  // for the repetition penalty. model must outlive this.
  Decoder(LlamaImpl& model, at::Tensor embeds, at::Tensor mask, const at::Tensor& prompt, const DecodeOptions& options);

  bool finished() const { return finished_; }
  // The next token of each text (batch), int64 on the CPU; pad_token where one has ended.
  at::Tensor next();
  // All that follow, (batch, max_new_tokens), filled up with pad_token.
  at::Tensor rest();

 private:
  at::Tensor choose(const at::Tensor& logits);

  LlamaImpl& model_;
  DecodeOptions options_;
  KeyValueCache cache_;
  at::Tensor embeds_;  // of the tokens that the model has not seen
  at::Tensor mask_, seen_, going_on_;
  at::Generator generator_;
  int64_t count_ = 0;
  bool finished_ = false;
};

}  // namespace eegtorch
