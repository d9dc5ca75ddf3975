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
    visit("max_new_tokens", max_new_tokens, "tokens at most; fewer where the context ends");
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

// What comes before the new tokens: words, embeddings of something else, or both.
struct Beginning {
  at::Tensor words;            // (texts, words), int64, -1 where a row is padded on its left; or undefined
  at::Tensor prefix;           // (texts, tokens, hidden_size), any floating type; or undefined
  bool prefix_behind = false;  // whether the prefix stands behind the words, else before them
  at::Tensor mask;  // (texts, tokens of both), 0 where a row is padded on its left; undefined: as the words are
};

class Decoder {
 public:
  // Ends texts where the context of the model does; INVALID_OPTION where it leaves no room for one token. model must
  // outlive this.
  Decoder(LlamaImpl& model, const Beginning& beginning, const DecodeOptions& options);

  bool finished() const { return finished_; }
  // The next token of each text (batch), int64 on the CPU; pad_token where one has ended.
  at::Tensor next();

 private:
  at::Tensor choose(const at::Tensor& logits);

  LlamaImpl& model_;
  DecodeOptions options_;
  KeyValueCache cache_{0, 0};
  at::Tensor embeds_;  // (batch, tokens, hidden_size), of the tokens that the model has not seen
  at::Tensor mask_, seen_, going_on_;
  at::Generator generator_;
  int64_t count_ = 0;
  bool finished_ = false;
};

}  // namespace eegtorch
