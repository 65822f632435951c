// Pipe: the kernel buffer through which splice(2) moves bytes from socket to socket without copying them to us. Making
// one costs several system calls, so the empty ones are kept. A PipePool belongs to one worker.
#pragma once

#include <cstddef>
#include <memory>
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
    PipeLoan& operator=(PipeLoan&&) = delete;
    ~PipeLoan();
    [[nodiscard]] bool valid() const noexcept { return pipe_ != nullptr; }
    [[nodiscard]] Pipe& operator*() const noexcept { return *pipe_; }

private:
    PipePool* home_ = nullptr;
    std::unique_ptr<Pipe> pipe_;
};

class PipePool {
public:
    // 256 KiB was the best of the sizes measured for 1 MiB bodies; a smaller one is taken where the user's share of
    // pipe memory is used up (fs.pipe-user-pages-soft).
    static constexpr std::size_t capacity_wanted = 256 * 1024;
    static constexpr std::size_t capacity_least = 32 * 1024;
    static constexpr std::size_t kept_max = 64;

    // Not valid where no pipe of a useful size is to be had; the caller copies then.
    [[nodiscard]] PipeLoan take();
    [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }

private:
    friend class PipeLoan;
    std::vector<std::unique_ptr<Pipe>> kept_;
};

}  // namespace core::io
