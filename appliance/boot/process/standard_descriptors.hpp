// Standard input, output and error: a process may be started with any of them closed (`>&-`, some init systems). The
// next socket or file would then get that number, and log lines would be written into it.
#pragma once

namespace appliance::boot {

// Opens /dev/null on each of the descriptors 0, 1 and 2 that is closed. Comes before anything else is opened. Throws
// std::runtime_error where that cannot be done.
void open_standard_descriptors();

}  // namespace appliance::boot
