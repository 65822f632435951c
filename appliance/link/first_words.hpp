// First words: what a child of the supervisor says on standard error before it works. The supervisor reads it when the
// child has ended. So it can tell why the child did not start, even where the loader or a library wrote the reason.
// From release_errors() on, standard error is the daemon's own.
#pragma once

#include <string>

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::link {

class FirstWords {
public:
    // One line for an operator is no longer than this.
    static constexpr std::size_t line_max = 500;

    // Error: no descriptors left.
    static core::Result<FirstWords> make();
    FirstWords() = default;

    // What becomes the child's standard error; closed here once it has been born.
    [[nodiscard]] int child_end() const noexcept { return child_end_.get(); }
    void born() noexcept { child_end_.reset(); }
    // All that has been said so far, as it was. Never waits.
    std::string take();

private:
    core::base::Descriptor own_end_;
    core::base::Descriptor child_end_;
};

// The text as one line without our name in front of it, cut to line_max.
std::string as_line(const std::string& words);

// In the child: fd is the daemon's standard error, which release_errors() puts in its place. Nothing is kept where that
// was not said, so that a role can run without a supervisor.
void keep_errors(int fd) noexcept;
void release_errors() noexcept;

}  // namespace appliance::link
