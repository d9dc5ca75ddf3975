// Decompositions of signals as operators of the namespace `eegtorch`. lib/signal gives them their public names, options
// and defaults.
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "core/check.h"
#include "signal/fastica.h"
#include "signal/ica.h"
#include "signal/infomax.h"
#include "signal/picard.h"
#include "signal/principal_components.h"
#include "signal/random_state.h"

namespace eegtorch {

namespace {

using at::Tensor;
using Answer = std::tuple<Tensor, int64_t, bool>;

Answer answerOf(const Unmixing& found) { return {found.matrix, found.iterations, found.converged}; }

std::tuple<Tensor, Tensor, Tensor> principalComponentsOperator(const Tensor& x) {
  const auto found = principalComponents(x.detach());
  return {found.mean, found.components, found.variances};
}

// Standard normal, as NumPy's RandomState(seed).normal(size=(n, n)) draws.
Tensor seededStart(const OptionCheck& check, int64_t seed, const Tensor& white) {
  check.require(seed >= 0 && seed <= UINT32_MAX, "seed", "a whole number from 0 to 4294967295", std::to_string(seed));
  const auto n = white.size(0);
  auto drawn = at::empty({n, n}, at::kDouble);
  RandomState random(static_cast<uint32_t>(seed));
  for (int64_t i = 0; i < n * n; i++) drawn.data_ptr<double>()[i] = random.normal();
  return drawn.to(white.options());
}

Answer fastIcaOperator(const Tensor& white, const std::optional<Tensor>& start, int64_t seed, std::string algorithm,
                       std::string fun, double alpha, int64_t max_iter, double tol) {
  checkRecording("fastica", white, "components");
  const auto first = start ? *start : seededStart(OptionCheck("fastica"), seed, white);
  return answerOf(fastIca(white, first, {std::move(algorithm), std::move(fun), alpha, max_iter, tol}));
}

Answer infomaxOperator(const Tensor& white, int64_t seed, bool extended, std::optional<double> l_rate,
                       std::optional<int64_t> block, double w_change, double anneal_deg, double anneal_step,
                       int64_t n_subgauss, int64_t kurt_size, int64_t ext_blocks, int64_t max_iter, double blowup,
                       double blowup_fac, std::optional<int64_t> n_small_angle, bool use_bias) {
  return answerOf(infomax(white, {seed, extended, l_rate, block, w_change, anneal_deg, anneal_step, n_subgauss,
                                  kurt_size, ext_blocks, max_iter, blowup, blowup_fac, n_small_angle, use_bias}));
}

Answer picardOperator(const Tensor& white, const std::optional<Tensor>& start, int64_t seed, bool ortho, bool extended,
                      std::string fun, int64_t fastica_it, int64_t m, int64_t max_iter, double tol, double lambda_min,
                      int64_t ls_tries) {
  checkRecording("picard", white, "components");
  const auto first = start ? *start : symmetricDecorrelation(seededStart(OptionCheck("picard"), seed, white));
  return answerOf(
      picard(white, first, {ortho, extended, std::move(fun), fastica_it, m, max_iter, tol, lambda_min, ls_tries}));
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> icaWhiteningOperator(const Tensor& x, double components) {
  const auto found = icaWhitening(x.detach(), components);
  return {found.white, found.mean, found.scale, found.principal, found.variances};
}

std::tuple<Tensor, Tensor> icaMatricesOperator(const Tensor& unmixing, const Tensor& principal, const Tensor& scale) {
  const auto [from_channels, to_channels] = icaMatrices(unmixing.detach(), principal.detach(), scale.detach());
  return {from_channels, to_channels};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(eegtorch, library) {
  library.def("principal_components(Tensor x) -> (Tensor mean, Tensor components, Tensor variances)",
              principalComponentsOperator);
  library.def("spatial_filter(Tensor x, *, Tensor matrix, Tensor? offset=None) -> Tensor",
              [](const Tensor& x, const Tensor& matrix, const std::optional<Tensor>& offset) {
                return spatialFilter(x, matrix, offset.value_or(Tensor()));
              });
  library.def(
      "fastica(Tensor white, *, Tensor? start=None, int seed, str algorithm, str fun, float alpha, int max_iter, float "
      "tol) -> (Tensor "
      "unmixing, int iterations, bool converged)",
      fastIcaOperator);
  library.def(
      "infomax(Tensor white, *, int seed, bool extended, float? l_rate=None, int? block=None, float w_change, float "
      "anneal_deg, "
      "float anneal_step, int n_subgauss, int kurt_size, int ext_blocks, int max_iter, float blowup, float blowup_fac, "
      "int? n_small_angle=None, bool use_bias) -> (Tensor unmixing, int iterations, bool converged)",
      infomaxOperator);
  library.def(
      "picard(Tensor white, *, Tensor? start=None, int seed, bool ortho, bool extended, str fun, int fastica_it, int "
      "m, int max_iter, "
      "float tol, float lambda_min, int ls_tries) -> (Tensor unmixing, int iterations, bool converged)",
      picardOperator);
  library.def(
      "ica_whitening(Tensor x, *, float components) -> (Tensor white, Tensor mean, Tensor scale, Tensor principal, "
      "Tensor variances)",
      icaWhiteningOperator);
  library.def(
      "ica_unmixing(Tensor matrix, Tensor variances) -> Tensor",
      [](const Tensor& matrix, const Tensor& variances) { return icaUnmixing(matrix.detach(), variances.detach()); });
  library.def("ica_matrices(Tensor unmixing, Tensor principal, Tensor scale) -> (Tensor unmixing, Tensor mixing)",
              icaMatricesOperator);
  library.def("ica_projection(Tensor unmixing, Tensor principal, *, int[] keep, int principal_components) -> Tensor",
              [](const Tensor& unmixing, const Tensor& principal, at::IntArrayRef keep, int64_t principal_components) {
                return icaProjection(unmixing.detach(), principal.detach(), keep, principal_components);
              });
}

}  // namespace eegtorch
