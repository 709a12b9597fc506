// Running the program that a kubeconfig names to log in with. Programs that serve never do.
#pragma once

#include "kube/connection.hpp"

namespace nodeproof::cli {

// Runs the program of `connection.exec`, if there is one, and puts what it gives in its place. Waits for as
// long as the program takes, for it may wait for a person. Throws std::runtime_error with what is wrong.
void log_in(kube::Connection& connection);

}  // namespace nodeproof::cli
