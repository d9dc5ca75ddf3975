// What the addon exports; lib/native.ts types it.
#include <napi.h>

#include "autograd.h"
#include "core/allocator.h"
#include "decoder.h"
#include "distributed.h"
#include "environment.h"
#include "model.h"
#include "operators.h"
#include "recording.h"
#include "runtime.h"
#include "store.h"
#include "tensor.h"
#include "tensor_file.h"
#include "trainer.h"
#include "weights.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  eegtorch::installCachingAllocator();
  auto* environment = new eegtorch::Environment(env);
  env.SetInstanceData(environment);
  eegtorch::exportTensor(*environment, exports);
  eegtorch::exportOperators(*environment, exports);
  eegtorch::exportAutograd(*environment, exports);
  eegtorch::exportDecoder(*environment, exports);
  eegtorch::exportDistributed(*environment, exports);
  eegtorch::exportModel(*environment, exports);
  eegtorch::exportRecording(*environment, exports);
  eegtorch::exportRuntime(*environment, exports);
  eegtorch::exportStore(*environment, exports);
  eegtorch::exportTensorFile(*environment, exports);
  eegtorch::exportTrainer(*environment, exports);
  eegtorch::exportWeights(*environment, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(eegtorch, Init)
