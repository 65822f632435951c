// The message to the operator for an exception that ends a process.
#pragma once

#include <exception>
#include <string>

namespace appliance::boot {

// One line. For a lack of threads or memory: what is missing, and which limit to raise. Else the exception's text.
std::string print_failure(const std::exception& error);

}  // namespace appliance::boot
