// What an exception that ends a process tells an operator.
#pragma once

#include <exception>
#include <string>

namespace appliance::boot {

// One line: what is lacking, and how to get it, where that is a thread or memory; else the exception's own words.
std::string print_failure(const std::exception& error);

}  // namespace appliance::boot
