// The one binary: the daemon's children, its rehearsal and the trial of its sandbox by their hidden argument, all else
// by the command line.
#include <cstdio>
#include <exception>

#include "appliance/boot/confine/cage.hpp"
#include "appliance/boot/process/failure.hpp"
#include "appliance/boot/process/standard_descriptors.hpp"
#include "appliance/boot/roles.hpp"
#include "appliance/boot/supervisor/rehearsal.hpp"
#include "appliance/cli/main.hpp"

int main(int argc, char** argv) {
    try {
        appliance::boot::open_standard_descriptors();
        if (appliance::boot::is_child(argc, argv)) {
            return appliance::boot::run_child(argc, argv);
        }
        if (appliance::boot::is_rehearsal(argc, argv)) {
            return appliance::boot::run_rehearsal(argc, argv);
        }
        if (appliance::boot::is_cage(argc, argv)) {
            return appliance::boot::run_cage();
        }
        return appliance::cli::main(argc, argv, {.run = appliance::boot::run_daemon});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "gatehouse: %s\n", appliance::boot::print_failure(error).c_str());
        return 1;
    }
}
