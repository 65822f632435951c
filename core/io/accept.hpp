// Accept: one multishot accept on the ring. The owner gets every new connection, and a call when the kernel has ended
// the operation. Then it may be started again.
#pragma once

#include "core/base/descriptor.hpp"
#include "core/io/completion.hpp"
#include "core/io/loop.hpp"

namespace core::io {

class Accept final : private Completion {
public:
    class Owner {
    public:
        virtual void on_connection(base::Descriptor connection) = 0;
        // error: a positive errno, 0 after cancel().
        virtual void on_accept_end(int error) = 0;

    protected:
        ~Owner() = default;
    };

    Accept(Loop& loop, Owner& owner) noexcept : Completion(&on_result), loop_(loop), owner_(owner) {}
    ~Accept();

    // listening: a listening socket that stays open until on_accept_end.
    void start(int listening);
    void cancel();
    [[nodiscard]] bool running() const noexcept { return running_; }

private:
    static void on_result(Completion& self, int result, std::uint32_t flags);

    Loop& loop_;
    Owner& owner_;
    bool running_ = false;
};

}  // namespace core::io
