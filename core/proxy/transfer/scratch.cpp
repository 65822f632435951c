#include "core/proxy/transfer/scratch.hpp"

namespace core::proxy {

Scratch& Scratch::operator=(Scratch&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
}

Scratch::~Scratch() {
    if (memory_ && home_ != nullptr && home_->free_.size() < ScratchPool::kept_max) {
        home_->free_.push_back(std::move(memory_));
    }
}

Scratch ScratchPool::take(std::size_t least) {
    if (least > Scratch::usual) {
        return {nullptr, std::make_unique_for_overwrite<char[]>(least), least};
    }
    if (free_.empty()) {
        return {this, std::make_unique_for_overwrite<char[]>(Scratch::usual), Scratch::usual};
    }
    std::unique_ptr<char[]> memory = std::move(free_.back());
    free_.pop_back();
    return {this, std::move(memory), Scratch::usual};
}

}  // namespace core::proxy
