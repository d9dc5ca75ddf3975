#include "kernels/dispatch.h"

#include <ATen/TensorSubclassLikeUtils.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace eegtorch::kernels {

namespace {

std::string fromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

const KernelTable& choose() {
  const std::string wanted = fromEnvironment("EEGTORCH_CPU_CAPABILITY");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  if (avx512 && (wanted.empty() || wanted == "avx512")) return avx512Kernels();
  if (avx2 && wanted != "baseline") return avx2Kernels();
  return baselineKernels();
}

bool isPlain() {
  static const bool plain = fromEnvironment("EEGTORCH_PLAIN") == "1";
  return plain;
}

bool fits(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.device().is_cpu() && tensor.layout() == at::kStrided &&
         tensor.numel() > 0 && !at::isTensorSubclassLike(tensor);
}

}  // namespace

const KernelTable& table() {
  static const KernelTable& chosen = choose();
  return chosen;
}

const RowTable& rowTable() {
  static const RowTable& chosen = chooseTable(avx512Rows, avx2Rows, baselineRows);
  return chosen;
}

bool applies(std::initializer_list<at::Tensor> tensors) {
  if (isPlain() || at::autocast::is_autocast_enabled(at::kCPU)) return false;
  for (const auto& tensor : tensors)
    if (tensor.defined() && !fits(tensor)) return false;
  return true;
}

bool isMklFast() {
  static const bool fast = [] {
    const std::string said = fromEnvironment("EEGTORCH_FAST_MKL");
    return said.empty() ? __builtin_cpu_is("intel") != 0 : said == "1";
  }();
  return fast;
}

bool isRecorded(std::initializer_list<at::Tensor> tensors) {
  return at::GradMode::is_enabled() && std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor& tensor) {
           return tensor.defined() && tensor.requires_grad();
         });
}

}  // namespace eegtorch::kernels
