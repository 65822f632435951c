#include "tests/torture/plan.hpp"

#include <fmt/format.h>

#include <array>

#include "tests/torture/message.hpp"

namespace tests::torture {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t size_max = 4 << 20;
// The least size of a request's head as the server gets it.
constexpr std::size_t request_least = 40;

Pace make_pace(Random& random, std::size_t size) {
    if (random.chance(50)) {
        return {};
    }
    Pace pace{.piece = std::max<std::size_t>(std::size_t{1} << random.below(17), size / pieces_max)};
    if (random.chance(50)) {
        pace.pause = std::chrono::microseconds(1 + random.size(20'000));
        pace.percent = static_cast<unsigned>(1 + random.below(30));
    }
    return pace;
}

Cut make_cut(Random& random, Cut::While during, std::size_t size) {
    return {.way = random.chance(50) ? Cut::Way::fin : Cut::Way::reset, .during = during, .after = random.below(size)};
}

void plan_request(Plan& plan, Random& random) {
    static constexpr std::array methods{"GET", "HEAD", "POST", "PUT"};
    plan.method = methods[random.below(methods.size())];
    plan.minor = random.chance(15) ? 0 : 1;
    plan.client_closes = random.chance(10);
    plan.client_pad = random.chance(30) ? random.size(6'000) : 0;
    if (plan.method[0] == 'P') {
        plan.client.framing = plan.minor == 1 && random.chance(50) ? Framing::chunked : Framing::length;
        plan.client.size = random.size(size_max);
    }
}

void plan_response(Plan& plan, Random& random) {
    static constexpr std::array statuses{200, 200, 200, 200, 200, 404, 500, 204, 304};
    plan.status = statuses[random.below(statuses.size())];
    plan.server_pad = random.chance(30) ? random.size(6'000) : 0;
    plan.server_closes = random.chance(10);
    plan.server_leaves = random.chance(5);
    plan.hints = plan.minor == 1 && random.chance(10);
    if (plan.status != 204 && plan.status != 304) {
        plan.server.framing = static_cast<Framing>(1 + random.below(3));
        plan.server.size = random.size(size_max);
    }
}

// At most one side breaks off: with two, what the other must see is not defined.
void plan_trouble(Plan& plan, Random& random) {
    const auto luck = random.below(100);
    const bool uploads = plan.client.framing != Framing::none;
    if (luck < 8) {
        plan.client.cut = make_cut(random, Cut::While::sending, compose_request(plan).size());
    } else if (luck < 12) {
        plan.client.cut = make_cut(random, Cut::While::receiving, 1 + plan.server.size);
    } else if (luck < 20) {
        plan.hints = false;
        plan.server.cut = make_cut(random, Cut::While::sending, compose_response(plan).size());
    } else if (luck < 24) {
        plan.hints = false;
        plan.server.cut = make_cut(random, Cut::While::receiving, request_least + plan.client.size);
    } else if (luck < 28) {
        plan.half_closes = true;
    } else if (uploads && luck < 34) {
        plan.expect = plan.minor == 1;
    } else if (uploads && luck < 40) {
        plan.early = true;
    }
}

void plan_relay(Plan& plan, Random& random) {
    plan.client.size = random.size(size_max);
    plan.server.size = random.size(size_max);
    const auto luck = random.below(100);
    if (luck < 20) {
        Side& breaker = luck % 2 == 0 ? plan.client : plan.server;
        const Side& other = luck % 2 == 0 ? plan.server : plan.client;
        const auto during = luck < 14 ? Cut::While::sending : Cut::While::receiving;
        breaker.cut = make_cut(random, during, 1 + (luck < 14 ? breaker.size : other.size));
        breaker.cut.way = Cut::Way::reset;  // a FIN in the middle only makes a shorter stream
    }
}

std::string text_of(const Side& side) {
    static constexpr std::array framings{"none", "length", "chunked", "until close"};
    static constexpr std::array ways{"", ", FIN", ", RST"};
    const std::string cut = side.cut.planned()
                                ? fmt::format("{} after {} bytes {}", ways[static_cast<std::size_t>(side.cut.way)],
                                              side.cut.after, side.cut.sending() ? "sent" : "received")
                                : std::string();
    return fmt::format("{} bytes ({}), sends pieces of {}, reads pieces of {}{}", side.size,
                       framings[static_cast<std::size_t>(side.framing)], side.sends.piece, side.reads.piece, cut);
}

}  // namespace

Plan::Plan(std::uint64_t message, Kind of) : seed(message), kind(of) {
    Random random(seed);
    client.noise = random.next();
    server.noise = random.next();
    if (kind == Kind::exchange && random.chance(4)) {
        kind = Kind::upgrade;
    }
    if (kind == Kind::exchange) {
        plan_request(*this, random);
        plan_response(*this, random);
        plan_trouble(*this, random);
    } else {
        plan_relay(*this, random);
    }
    client.sends = make_pace(random, client.size);
    client.reads = make_pace(random, server.size);
    server.sends = make_pace(random, server.size);
    server.reads = make_pace(random, client.size);
}

bool Plan::pipelines() const noexcept {
    return kind == Kind::exchange && minor == 1 && !client.cut.planned() && !server.cut.planned() && !expect &&
           !early && !client_closes && !half_closes;
}

std::string Plan::text() const {
    static constexpr std::array kinds{"exchange", "upgrade", "relay"};
    return fmt::format("{} {:016x}: {} HTTP/1.{} -> {}{}{}{}{}{}{}{}\n  client: {}\n  server: {}",
                       kinds[static_cast<std::size_t>(kind)], seed, method, minor, status, expect ? ", Expect" : "",
                       hints ? ", 103" : "", early ? ", early answer" : "", client_closes ? ", client closes" : "",
                       half_closes ? ", client half-closes" : "", server_closes ? ", server closes" : "",
                       server_leaves ? ", server leaves" : "", text_of(client), text_of(server));
}

}  // namespace tests::torture
