// Scratch: memory in which heads are written and small pieces gathered, from a free list of the worker's.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace core::proxy {

class ScratchPool;

// One piece of scratch memory on loan.
class Scratch {
public:
    // A forwarded head: the longest that fits in a receive buffer, and what we add to it.
    static constexpr std::size_t size = 20 * 1024;

    Scratch() = default;
    Scratch(ScratchPool& home, std::unique_ptr<char[]> memory) noexcept : home_(&home), memory_(std::move(memory)) {}
    Scratch(Scratch&&) noexcept = default;
    Scratch& operator=(Scratch&& other) noexcept;
    ~Scratch();
    [[nodiscard]] bool valid() const noexcept { return memory_ != nullptr; }
    [[nodiscard]] std::span<char> bytes() const noexcept { return {memory_.get(), size}; }

private:
    ScratchPool* home_ = nullptr;
    std::unique_ptr<char[]> memory_;
};

class ScratchPool {
public:
    Scratch take();
    [[nodiscard]] std::size_t kept() const noexcept { return free_.size(); }

private:
    friend class Scratch;
    static constexpr std::size_t kept_max = 1024;
    std::vector<std::unique_ptr<char[]>> free_;
};

}  // namespace core::proxy
