#include "core/io/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace core::io {

PipeLoan::~PipeLoan() {
    if (pipe_ == nullptr) {
        return;
    }
    if (pipe_->filled == 0 && home_->kept_.size() < PipePool::kept_max) {
        home_->kept_.push_back(std::move(pipe_));
    } else if (pipe_->capacity >= PipePool::capacity_large) {
        --home_->large_;
    }
}

void PipeLoan::grow() {
    if (pipe_->capacity >= PipePool::capacity_large || home_->large_ >= PipePool::large_max) {
        return;
    }
    const int size = ::fcntl(pipe_->in.get(), F_SETPIPE_SZ, static_cast<int>(PipePool::capacity_large));
    if (size >= static_cast<int>(PipePool::capacity_large)) {
        pipe_->capacity = static_cast<std::size_t>(size);
        ++home_->large_;
    }
}

PipeLoan PipePool::take() {
    if (!kept_.empty()) {
        std::unique_ptr<Pipe> pipe = std::move(kept_.back());
        kept_.pop_back();
        return {*this, std::move(pipe)};
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return {};
    }
    auto pipe = std::make_unique<Pipe>();
    pipe->out.reset(ends[0]);
    pipe->in.reset(ends[1]);
    int size = ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(capacity_wanted));
    if (size < 0) {
        size = ::fcntl(ends[1], F_GETPIPE_SZ);
    }
    if (size < static_cast<int>(capacity_least)) {
        return {};
    }
    pipe->capacity = static_cast<std::size_t>(size);
    return {*this, std::move(pipe)};
}

}  // namespace core::io
