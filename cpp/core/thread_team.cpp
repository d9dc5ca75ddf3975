#include "core/thread_team.h"

#include <omp.h>

namespace eegtorch {

void endThreadTeam() { omp_pause_resource_all(omp_pause_soft); }

OneThread::OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }

OneThread::~OneThread() { omp_set_num_threads(before_); }

}  // namespace eegtorch
