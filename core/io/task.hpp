// Task<T>: a coroutine that its parent awaits, and TaskGroup: the roots, which have no parent. All of one loop's
// coroutines run on that loop's thread. Rules R1 to R5 for g++ 12 stand in docs/internals/io_uring.md; a test checks
// R1, R2, R4.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "core/base/verify.hpp"
#include "core/io/frames.hpp"

namespace core::io {

namespace detail {

struct PromiseBase {
    std::coroutine_handle<> parent;

    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

    struct Final {
        bool await_ready() noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
            // A child that ended inside await_ready has no parent yet: it returns to its resumer.
            const auto parent = self.promise().parent;
            return parent ? parent : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };

    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    // Expected failures are values, so an exception here is a bug of ours.
    void unhandled_exception() noexcept { std::terminate(); }
};

template <typename T>
struct Promise : PromiseBase {
    std::optional<T> value;
    std::coroutine_handle<Promise> get_return_object() noexcept {
        return std::coroutine_handle<Promise>::from_promise(*this);
    }
    template <typename U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
};

template <>
struct Promise<void> : PromiseBase {
    std::coroutine_handle<Promise> get_return_object() noexcept {
        return std::coroutine_handle<Promise>::from_promise(*this);
    }
    void return_void() noexcept {}
};

}  // namespace detail

// Owns its frame. Runs nothing until it is awaited or started; must have ended when it is destroyed.
template <typename T = void>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;

    Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    Task(Task&& other) noexcept
        : frame_(std::exchange(other.frame_, {})), started_(std::exchange(other.started_, false)) {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (frame_) {
            VERIFY(!started_ || frame_.done());  // never free what the kernel may still write to
            frame_.destroy();
        }
    }

    // Runs it up to its first suspension, concurrently with its owner; co_await it later to join.
    void start() {
        started_ = true;
        frame_.resume();
    }
    [[nodiscard]] bool started() const noexcept { return started_; }
    [[nodiscard]] bool done() const noexcept { return frame_.done(); }

    // A child that ends at once does not suspend its parent: loops over ready data cannot overflow the stack.
    bool await_ready() {
        if (!started_) {
            start();
        }
        return frame_.done();
    }
    void await_suspend(std::coroutine_handle<> parent) noexcept { frame_.promise().parent = parent; }
    T await_resume() {
        if constexpr (!std::is_void_v<T>) {
            return std::move(*frame_.promise().value);
        }
    }

private:
    std::coroutine_handle<promise_type> frame_;
    bool started_ = false;
};

// A root coroutine: frees itself at its end. Only TaskGroup makes one.
class Root {
public:
    struct promise_type {
        static void* operator new(std::size_t size) { return allocate_frame(size); }
        static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
        Root get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

// Counts the running roots. Its owner runs the loop until the group is empty, and only then destroys it.
class TaskGroup {
public:
    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup() { VERIFY(size_ == 0); }

    // Starts task now; it runs to its first suspension before this returns.
    void start(Task<void> task) { run(std::move(task), *this); }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    static Root run(Task<void> task, TaskGroup& group) {
        ++group.size_;
        co_await task;
        --group.size_;
    }

    std::uint32_t size_ = 0;
};

}  // namespace core::io
