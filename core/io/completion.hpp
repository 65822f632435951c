// Completion: what the kernel gives back to. One is embedded in whatever waits for a ring operation; its address is
// the operation's user_data, so nothing is looked up and nothing is allocated when a result arrives.
#pragma once

#include <cstdint>

namespace core::io {

class Completion {
public:
    // Called on the loop's thread with the CQE's result (bytes, a descriptor, or a negative errno) and its flags.
    using Handler = void (*)(Completion& self, int result, std::uint32_t flags);

    explicit Completion(Handler handler) noexcept : handler_(handler) {}
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;

    void complete(int result, std::uint32_t flags) { handler_(*this, result, flags); }

protected:
    ~Completion() = default;

private:
    Handler handler_;
};

}  // namespace core::io
