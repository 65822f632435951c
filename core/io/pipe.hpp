// Pipe: the kernel buffer through which splice(2) moves bytes from socket to socket without copying them to us. Making
// one costs several system calls, so the empty ones are kept. A PipePool belongs to one worker.
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
    std::size_t filled = 0;    // bytes in it now; kept by whoever moves them
};

class PipePool;

// A pipe on loan; goes back when it is empty, and is closed when it is not: nobody else may ever see those bytes.
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
    // Makes the pipe, which is empty, as large as may be, where the pool's share of large ones and the kernel allow it.
    void grow();

private:
    PipePool* home_ = nullptr;
    std::unique_ptr<Pipe> pipe_;
};

class PipePool {
public:
    // Enough for bodies of up to some MiB; a smaller one is taken where the user's share of pipe memory is used up
    // (fs.pipe-user-pages-soft, 64 MiB).
    static constexpr std::size_t capacity_wanted = 256 * 1024;
    static constexpr std::size_t capacity_least = 32 * 1024;
    // What a pipe may grow to for a long body: 100 MiB cost half as much so. As large as the kernel lets anybody have
    // (fs.pipe-max-size); few, because they would use up the user's share.
    static constexpr std::size_t capacity_large = 1024 * 1024;
    static constexpr unsigned large_max = 16;
    static constexpr std::size_t kept_max = 64;

    // Not valid where no pipe of a useful size is to be had; the caller copies then.
    [[nodiscard]] PipeLoan take();
    [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }

private:
    friend class PipeLoan;
    std::vector<std::unique_ptr<Pipe>> kept_;
    unsigned large_ = 0;  // of those that are on loan or kept
};

}  // namespace core::io
