// Slots: which connections a server holds, and which one has to go when there are too many. A stranger is a connection
// that is not identified yet. Strangers have slots of their own, so they never keep a caller out. Thread safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>

namespace appliance::api {

struct SlotLimits {
    unsigned strangers = 64;
    unsigned strangers_of_source = 16;
    unsigned callers = 64;
    unsigned callers_of_name = 16;
    unsigned readers = 32;  // callers with the role read, all names together
    // For so long, a newer stranger of the same source does not replace this one. It limits handshakes that a flood
    // wastes.
    std::chrono::milliseconds grace{250};
};

class Slots {
public:
    using Clock = std::chrono::steady_clock;
    using Ticket = std::uint64_t;
    enum class Admission { taken, full, name_full };

    explicit Slots(const SlotLimits& limits) : limits_(limits) {}
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;
    ~Slots() = default;

    // Adds a stranger. Where its source has its full share, the oldest stranger of that source is shut down. Else,
    // where there are too many strangers, the oldest one of the source with the most. fd must stay open until leave().
    // Nothing: there is no slot. Either that oldest one is of the same source and within its grace, or too many
    // connections that were shut down have not left yet.
    std::optional<Ticket> enter(int fd, const std::string& source, Clock::time_point now = Clock::now());
    // Makes the stranger a caller of this name. full, name_full: it stays a stranger.
    Admission admit(Ticket ticket, const std::string& name, bool reader);
    void leave(Ticket ticket);
    // Shuts down the oldest stranger, for want of descriptors. False: there is none.
    bool drop_oldest();
    // Returns when all have left.
    void wait_until_empty();

private:
    enum class State : std::uint8_t { stranger, shut_down, caller };
    struct Entry {
        Ticket ticket;
        int fd;
        std::string source;
        Clock::time_point entered;
        std::string name{};
        State state = State::stranger;
        bool reader = false;
    };

    [[nodiscard]] unsigned strangers_of(const std::string& source) const;
    [[nodiscard]] std::string largest_source() const;
    // Empty: of any source.
    Entry* oldest_of(const std::string& source);
    static void shut_down(Entry& entry);
    bool make_room(const std::string& source, Clock::time_point now);

    const SlotLimits limits_;
    std::mutex mutex_;
    std::condition_variable empty_;
    std::list<Entry> entries_;  // the oldest first
    Ticket last_ = 0;
};

}  // namespace appliance::api
