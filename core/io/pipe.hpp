// Pipe: the kernel buffer through which splice(2) moves bytes from socket to socket without copying them to user space.
// Making one costs several system calls, so empty ones are kept. A PipePool belongs to one worker.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/descriptor.hpp"

namespace core::io {

struct Pipe {
    base::Descriptor out;      // read end
    base::Descriptor in;       // write end
    std::size_t capacity = 0;  // bytes
    std::size_t filled = 0;    // bytes in it now; the code that moves them keeps this up to date
};

class PipePool;

// A pipe on loan. It returns to the pool when it is empty, else it is closed: no other session may see those bytes.
class PipeLoan {
public:
    PipeLoan() = default;
    PipeLoan(PipePool& home, std::unique_ptr<Pipe> pipe) noexcept : home_(&home), pipe_(std::move(pipe)) {}
    PipeLoan(PipeLoan&&) noexcept = default;
    PipeLoan& operator=(PipeLoan&& other) noexcept {
        std::swap(home_, other.home_);
        std::swap(pipe_, other.pipe_);
        return *this;
    }
    ~PipeLoan();
    [[nodiscard]] bool valid() const noexcept { return pipe_ != nullptr; }
    [[nodiscard]] Pipe& operator*() const noexcept { return *pipe_; }
    [[nodiscard]] Pipe* operator->() const noexcept { return pipe_.get(); }
    // Enlarges the pipe, which is empty, as far as the pool's share of large ones and the kernel allow.
    void grow();

private:
    PipePool* home_ = nullptr;
    std::unique_ptr<Pipe> pipe_;
};

class PipePool {
public:
    // Enough for bodies of up to some MiB. A smaller one is taken where the user's share of pipe memory is used up
    // (fs.pipe-user-pages-soft, 64 MiB).
    static constexpr std::size_t capacity_wanted = 256 * 1024;
    static constexpr std::size_t capacity_least = 32 * 1024;
    // The size of a large pipe for a long body: 100 MiB cost half as much with it. The kernel's limit without privilege
    // (fs.pipe-max-size). Few, because they would use up the user's share.
    static constexpr std::size_t capacity_large = 1024 * 1024;
    static constexpr unsigned large_max = 16;
    static constexpr std::size_t kept_max = 64;

    // Not valid where no pipe of a useful size can be made; the caller copies then.
    [[nodiscard]] PipeLoan take();
    [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }

private:
    friend class PipeLoan;
    std::vector<std::unique_ptr<Pipe>> kept_;
    unsigned large_ = 0;  // large pipes, on loan or kept
};

}  // namespace core::io
