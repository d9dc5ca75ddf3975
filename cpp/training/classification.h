// Objectives of classification.
#pragma once

#include "training/objective.h"

namespace eegtorch {

ObjectiveEntry crossEntropy();
ObjectiveEntry focal();  // Lin et al. 2017, for any number of classes

}  // namespace eegtorch
