#include "core/io/mailbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/verify.hpp"

namespace core::io {

Mailbox::Mailbox() : Completion(&on_wake), event_(::eventfd(0, EFD_CLOEXEC)) {
    VERIFY(event_.valid());
}

void Mailbox::attach(Loop& loop) {
    loop_ = &loop;
    read();
}

void Mailbox::detach() {
    Loop* const loop = loop_;
    loop_ = nullptr;
    if (reading_) {
        loop->cancel(*this);
    }
}

void Mailbox::post(Letter letter) {
    {
        const std::lock_guard lock(mutex_);
        letters_.push_back(std::move(letter));
    }
    const std::uint64_t one = 1;
    const ssize_t written = ::write(event_.get(), &one, sizeof one);
    VERIFY(written == sizeof one);
}

void Mailbox::read() {
    reading_ = true;
    io_uring_sqe* sqe = loop_->entry(*this);
    io_uring_prep_read(sqe, event_.get(), &counter_, sizeof counter_, 0);
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(this));
}

void Mailbox::deliver() {
    std::vector<Letter> letters;
    {
        const std::lock_guard lock(mutex_);
        letters.swap(letters_);
    }
    for (const Letter& letter : letters) {
        letter();
    }
}

void Mailbox::on_wake(Completion& self, int, std::uint32_t) {
    auto& mailbox = static_cast<Mailbox&>(self);
    mailbox.reading_ = false;
    mailbox.deliver();
    if (mailbox.loop_ != nullptr) {
        mailbox.read();
    }
}

}  // namespace core::io
