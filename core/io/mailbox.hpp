// Mailbox: how other threads reach a loop. A letter is a function that the loop's thread calls. For configuration,
// health and reports. It is not on the path of a request, so std::function and a lock are acceptable.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "core/base/descriptor.hpp"
#include "core/io/completion.hpp"
#include "core/io/loop.hpp"

namespace core::io {

class Mailbox final : private Completion {
public:
    using Letter = std::function<void()>;

    // Any thread. Accepts letters at once; attach() begins to deliver them.
    Mailbox();
    // The loop's thread: begins to deliver. detach() must follow, and the loop must run until idle() holds.
    void attach(Loop& loop);
    void detach();
    [[nodiscard]] bool idle() const noexcept { return !reading_; }

    // Any thread. Letters are delivered in order; those posted after detach are dropped with the mailbox.
    void post(Letter letter);

private:
    static void on_wake(Completion& self, int result, std::uint32_t flags);
    void read();
    void deliver();

    base::Descriptor event_;
    Loop* loop_ = nullptr;
    std::uint64_t counter_ = 0;
    bool reading_ = false;
    std::mutex mutex_;
    std::vector<Letter> letters_;
};

}  // namespace core::io
