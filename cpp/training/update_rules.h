// The update rules behind the table of optimisers, with PyTorch's names and defaults.
#pragma once

#include "training/optimizer.h"

namespace eegtorch {

OptimizerEntry adam();     // Kingma and Ba 2015
OptimizerEntry adamw();    // Loshchilov and Hutter 2019
OptimizerEntry sgd();      // with Nesterov's momentum as in Sutskever et al. 2013
OptimizerEntry rmsprop();  // Hinton's lecture 6e; centred as in Graves 2013

}  // namespace eegtorch
