// Completion: receives one operation's result. It is embedded in the object that waits for a ring operation. Its
// address is the operation's user_data, so a result needs no lookup and no allocation.
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
