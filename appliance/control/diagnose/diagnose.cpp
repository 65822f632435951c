#include "appliance/control/diagnose/diagnose.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "appliance/base/name_service.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::control::diagnose {
namespace {

using core::base::Descriptor;

// More are of no use to a reader, and each takes its share of the time.
constexpr std::size_t addresses_max = 8;

std::atomic<unsigned> places_taken = 0;

// Shared by the thread that asks the name service and the waiting thread, which may leave first.
struct Search {
    std::mutex mutex;
    std::condition_variable ended;
    bool over = false;
    Lookup found;
};

Lookup ask_name_service(const std::string& name) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    errno = 0;
    if (const int code = base::get_addresses(name.c_str(), nullptr, hints, &list); code != 0) {
        return {{}, code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code)};
    }
    Lookup found;
    for (const addrinfo* one = list; one != nullptr && found.addresses.size() < addresses_max; one = one->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, one->ai_addr, std::min<std::size_t>(one->ai_addrlen, sizeof storage));
        const core::Address address = core::Address::from(storage);
        if (std::find(found.addresses.begin(), found.addresses.end(), address) == found.addresses.end()) {
            found.addresses.push_back(address);
        }
    }
    ::freeaddrinfo(list);
    return found;
}

// Empty: connected.
std::string try_connect(const core::Address& address, Clock::time_point deadline) {
    const Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_storage storage{};
    const socklen_t length = address.fill(storage);
    if (!socket.valid()) {
        return std::strerror(errno);
    }
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0) {
        return {};
    }
    if (errno != EINPROGRESS) {
        return std::strerror(errno);
    }
    pollfd entry{socket.get(), POLLOUT, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) <= 0) {
        return "no answer in time";
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? std::string() : std::strerror(error);
}

}  // namespace

Place take_place() {
    if (places_taken.fetch_add(1) >= at_once_max) {
        places_taken.fetch_sub(1);
        return nullptr;
    }
    return {&places_taken, [](void* /*taken*/) { places_taken.fetch_sub(1); }};
}

double ms_since(Clock::time_point begin) {
    return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count()) /
           1000;
}

// A look-up cannot be cancelled, so it runs in a thread that may outlive the wait for it.
Lookup look_up(const std::string& name, Clock::time_point deadline, const Place& place) {
    if (const auto address = core::Address::parse_host(name, 0)) {
        return {{*address}, {}};
    }
    const auto search = std::make_shared<Search>();
    std::thread([search, name, place] {
        Lookup found = ask_name_service(name);
        const std::lock_guard lock(search->mutex);
        search->found = std::move(found);
        search->over = true;
        search->ended.notify_all();
    }).detach();
    std::unique_lock lock(search->mutex);
    if (!search->ended.wait_until(lock, deadline, [&] { return search->over; })) {
        return {{}, "the name service does not answer in time"};
    }
    return search->found;
}

Json resolve(const std::string& name, core::Milliseconds timeout, const Place& place) {
    const auto begin = Clock::now();
    const Lookup found = look_up(name, begin + timeout, place);
    Json addresses = Json::array();
    for (const core::Address& address : found.addresses) {
        addresses.push_back(address.host());
    }
    return {{"name", name},
            {"resolved", found.error.empty()},
            {"addresses", std::move(addresses)},
            {"ms", ms_since(begin)},
            {"error", found.error}};
}

Json connect(const std::string& host, std::uint16_t port, core::Milliseconds timeout, const Place& place) {
    const auto begin = Clock::now();
    const auto deadline = begin + timeout;
    const Lookup found = look_up(host, deadline, place);
    Json answer{{"host", host}, {"port", port},           {"connected", false},  {"address", ""},
                {"ms", 0.0},    {"tried", Json::array()}, {"error", found.error}};
    for (std::size_t i = 0; i < found.addresses.size() && answer["connected"] == false; ++i) {
        const core::Address address = found.addresses[i].with_port(port);
        const auto start = Clock::now();
        const auto share = (deadline - start) / static_cast<std::int64_t>(found.addresses.size() - i);
        std::string error = try_connect(address, start + share);
        const double took = ms_since(start);
        answer["connected"] = error.empty();
        answer["address"] = address.text();
        answer["ms"] = took;
        answer["error"] = error;
        answer["tried"].push_back({{"address", address.text()}, {"ms", took}, {"error", std::move(error)}});
    }
    return answer;
}

}  // namespace appliance::control::diagnose
