#include "core/proxy/scratch.hpp"

namespace core::proxy {

Scratch& Scratch::operator=(Scratch&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(memory_, other.memory_);
    return *this;
}

Scratch::~Scratch() {
    if (memory_ && home_->free_.size() < ScratchPool::kept_max) {
        home_->free_.push_back(std::move(memory_));
    }
}

Scratch ScratchPool::take() {
    if (free_.empty()) {
        return Scratch(*this, std::make_unique_for_overwrite<char[]>(Scratch::size));
    }
    std::unique_ptr<char[]> memory = std::move(free_.back());
    free_.pop_back();
    return Scratch(*this, std::move(memory));
}

}  // namespace core::proxy
