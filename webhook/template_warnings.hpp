// What becomes of the pods that a Deployment, Job or the like will make, said to whoever writes it: the
// refusals of the pods themselves are seen by a controller alone. Never a refusal. That a DaemonSet lacks
// the nodeSelector of its policies, a ValidatingAdmissionPolicy of the chart tells. Pure.
#pragma once

#include "webhook/decide.hpp"

namespace nodeproof::webhook {

// Sentences for a request with a pod template; none when its pods can be placed now.
std::vector<std::string> template_warnings(const wire::AdmissionRequest& request, const Snapshot& snapshot,
                                           UnixTime now);

}  // namespace nodeproof::webhook
