// Scratch: memory for writing heads and gathering small pieces, from a worker's free list.
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
    // The usual size in bytes: a forwarded head from one receive buffer, and what we add to it.
    static constexpr std::size_t usual = 20 * 1024;

    Scratch() = default;
    // home: where the memory returns to; null: nowhere.
    Scratch(ScratchPool* home, std::unique_ptr<char[]> memory, std::size_t size) noexcept
        : home_(home), memory_(std::move(memory)), size_(size) {}
    Scratch(Scratch&&) noexcept = default;
    Scratch& operator=(Scratch&& other) noexcept;
    ~Scratch();
    [[nodiscard]] bool valid() const noexcept { return memory_ != nullptr; }
    [[nodiscard]] std::span<char> bytes() const noexcept { return {memory_.get(), size_}; }

private:
    ScratchPool* home_ = nullptr;
    std::unique_ptr<char[]> memory_;
    std::size_t size_ = 0;
};

class ScratchPool {
public:
    // At least that many bytes. A size above usual is allocated for this one use.
    Scratch take(std::size_t least = Scratch::usual);
    [[nodiscard]] std::size_t kept() const noexcept { return free_.size(); }

private:
    friend class Scratch;
    static constexpr std::size_t kept_max = 1024;
    std::vector<std::unique_ptr<char[]>> free_;
};

}  // namespace core::proxy
