// Names: what the names of servers resolve to. They are asked for in threads of their own, so that no order waits for a
// name service. What a name resolved to last counts until it resolves to something else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "appliance/config/model/resolve.hpp"
#include "core/base/address.hpp"
#include "core/base/clock.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

// Any thread may call it.
class Names {
public:
    using Clock = std::chrono::steady_clock;
    // The addresses of a name, in the order to try; by the deadline, or an error.
    using LookUp = std::function<core::Result<std::vector<core::Address>>(const std::string& name, Clock::time_point)>;

    // How the last look-up of a server's name ended.
    struct Standing {
        std::string name;
        bool asked = false;                             // false: none has ended yet
        std::string error{};                            // empty: it resolved
        std::optional<core::WallTime> failing_since{};  // since when it has not resolved
    };
    // A name that has begun to fail, or to resolve again.
    struct News {
        std::string server;
        Standing standing;
    };

    static constexpr unsigned threads_max = 4;
    static constexpr std::chrono::seconds patience{5};  // of one look-up
    static constexpr std::chrono::seconds again{5};     // after one that failed, at most

    explicit Names(LookUp look_up);
    // Waits for look-ups that are under way.
    ~Names();
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;

    // The servers of that configuration which are given by names, from now on. Names that were known go on as they are.
    void follow(const config::Config& config);
    // What an earlier process knew, for names that have not resolved yet. After follow().
    void recall(const config::Answers& answers);
    // For servers that have the same name there.
    [[nodiscard]] config::Answers answers_for(const config::Config& config) const;
    // Grows with every answer that differs from the one before.
    [[nodiscard]] std::uint64_t revision() const;
    // Whether each name has an answer, or has been asked for once.
    [[nodiscard]] bool settled() const;
    [[nodiscard]] std::map<std::string, Standing> standings() const;
    // Since it was called last. To be called again and again: it starts the threads where that failed before.
    std::vector<News> take_news();

private:
    struct Entry {
        Standing standing;
        core::Milliseconds resolve{};
        std::vector<core::Address> answer{};
        Clock::time_point due{};
        bool under_way = false;
    };

    void start_threads();
    void work();
    std::map<std::string, Entry>::iterator next_due();
    [[nodiscard]] std::optional<Clock::time_point> next_time() const;
    void take(const std::string& server, Entry& entry, core::Result<std::vector<core::Address>> found);

    const LookUp look_up_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Entry> entries_;
    std::vector<News> news_;
    std::uint64_t revision_ = 0;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

// The family that the machine prefers first (RFC 6724), and of each the lowest address first: name services rotate
// their answers, and a server is not to move with them. Each once, port 0.
std::vector<core::Address> in_order(const std::vector<core::Address>& found);

}  // namespace appliance::control
