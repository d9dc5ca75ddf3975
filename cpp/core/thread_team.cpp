#include "core/thread_team.h"

#include <omp.h>

namespace eegtorch {

void endThreadTeam() { omp_pause_resource_all(omp_pause_soft); }

}  // namespace eegtorch
