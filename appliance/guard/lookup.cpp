// Addresses of a name. A name service cannot be told to stop, so it is asked in a thread that is left behind when the
// time is up.
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "appliance/base/name_service.hpp"
#include "appliance/guard/connection.hpp"

namespace appliance::guard {
namespace {

constexpr std::size_t addresses_tried = 8;

constexpr const char* no_lookup = "its name cannot be looked up";

// Who asks a name service at present, here and in threads that were left behind. Outlives those, so it is never ended.
struct Places {
    std::mutex mutex;
    std::condition_variable left;
    unsigned taken = 0;

    bool take(Deadline deadline) {
        std::unique_lock lock(mutex);
        const bool free = left.wait_until(lock, deadline, [this] { return taken < lookups_max; });
        taken += free ? 1 : 0;
        return free;
    }

    void give_back() {
        const std::lock_guard lock(mutex);
        --taken;
        left.notify_one();
    }
};

Places& places() {
    static auto* const all = new Places;
    return *all;
}

// What the thread shares with the one that waits for it, which may leave first.
struct Lookup {
    std::mutex mutex;
    std::condition_variable ended;
    bool over = false;
    std::vector<core::Address> addresses;
    std::string error;
};

void look_up_here(const std::string& host, const std::string& port, Lookup& into) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int code = base::get_addresses(host.c_str(), port.c_str(), hints, &list);
    const std::lock_guard lock(into.mutex);
    for (const addrinfo* one = list; one != nullptr && into.addresses.size() < addresses_tried; one = one->ai_next) {
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

core::Result<std::vector<core::Address>> look_up(const std::string& host, std::uint16_t port, Deadline deadline) {
    if (!places().take(deadline)) {
        return core::fail(no_lookup, "other names are still being asked for");
    }
    const auto lookup = std::make_shared<Lookup>();
    try {
        std::thread([host, port = std::to_string(port), lookup] {
            look_up_here(host, port, *lookup);
            places().give_back();
        }).detach();
    } catch (const std::system_error& error) {
        places().give_back();
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

}  // namespace appliance::guard
