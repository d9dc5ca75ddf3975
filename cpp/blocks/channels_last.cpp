#include "blocks/channels_last.h"

namespace eegtorch {

void storeChannelsLast(torch::nn::Module& module) {
  for (auto& parameter : module.parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
}

}  // namespace eegtorch
