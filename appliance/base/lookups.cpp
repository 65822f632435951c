#include "appliance/base/lookups.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "appliance/base/name_service.hpp"

namespace appliance::base {
namespace {

constexpr const char* no_lookup = "its name cannot be looked up";

// Shared by the look-up's thread and the waiting one. The waiting one may leave first.
struct Lookup {
    std::mutex mutex;
    std::condition_variable ended;
    bool over = false;
    std::vector<core::Address> addresses;
    std::string error;
};

void look_up_here(const std::string& host, const std::string& port, std::size_t answers, Lookup& into) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int code = get_addresses(host.c_str(), port.c_str(), hints, &list);
    const std::lock_guard lock(into.mutex);
    for (const addrinfo* one = list; one != nullptr && into.addresses.size() < answers; one = one->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, one->ai_addr, std::min<std::size_t>(one->ai_addrlen, sizeof storage));
        into.addresses.push_back(core::Address::from(storage));
    }
    if (list != nullptr) {
        ::freeaddrinfo(list);
    }
    into.error = code == 0 ? "" : ::gai_strerror(code);
    into.over = true;
    into.ended.notify_all();
}

}  // namespace

// The look-ups under way, here and in threads that were left behind.
struct Lookups::Places {
    explicit Places(unsigned at_once) : most(at_once) {}

    bool take(std::chrono::steady_clock::time_point deadline) {
        std::unique_lock lock(mutex);
        const bool free = left.wait_until(lock, deadline, [this] { return taken < most; });
        taken += free ? 1 : 0;
        return free;
    }

    void give_back() {
        const std::lock_guard lock(mutex);
        --taken;
        left.notify_one();
    }

    const unsigned most;
    std::mutex mutex;
    std::condition_variable left;
    unsigned taken = 0;
};

Lookups::Lookups(unsigned at_once, std::size_t answers)
    : places_(std::make_shared<Places>(at_once)), answers_(answers) {}

core::Result<std::vector<core::Address>> Lookups::look_up(const std::string& host, std::uint16_t port,
                                                          std::chrono::steady_clock::time_point deadline) {
    if (!places_->take(deadline)) {
        return core::fail(no_lookup, "other names are still being asked for");
    }
    const auto lookup = std::make_shared<Lookup>();
    try {
        std::thread([host, port = std::to_string(port), answers = answers_, lookup, places = places_] {
            look_up_here(host, port, answers, *lookup);
            places->give_back();
        }).detach();
    } catch (const std::system_error& error) {
        places_->give_back();
        return core::fail_os(no_lookup, error.code().value());
    }
    std::unique_lock lock(lookup->mutex);
    if (!lookup->ended.wait_until(lock, deadline, [&] { return lookup->over; })) {
        return core::fail(no_lookup, "the name service does not answer in time");
    }
    if (lookup->addresses.empty()) {
        return core::fail(no_lookup, lookup->error);
    }
    return lookup->addresses;
}

}  // namespace appliance::base
