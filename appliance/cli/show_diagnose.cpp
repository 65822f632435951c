#include "appliance/cli/show_diagnose.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/events.hpp"
#include "appliance/cli/table.hpp"

namespace appliance::cli {
namespace {

// "0.42 ms", "12 ms".
std::string ms(const Json& object, const char* key) {
    const Json& found = field(object, key);
    const double value = found.is_number() ? found.get<double>() : 0;
    return value < 10 ? fmt::format("{:.2f} ms", value) : fmt::format("{:.0f} ms", value);
}

// Where the numbers of an address stand, they are enough.
std::string with_address(const std::string& host, const std::string& address) {
    return host == address || address.empty() ? host : fmt::format("{} ({})", host, address);
}

std::string place(const std::string& host, std::int64_t port) {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string why_not_connected(const Json& answer) {
    const std::string wanted = place(text(answer, "host"), number(answer, "port"));
    std::string tried;
    for (const Json& one : items(answer, "tried")) {
        const std::string address = text(one, "address");
        tried += fmt::format("{}{}{} after {}", tried.empty() ? "" : ", ", address == wanted ? "" : address + ": ",
                             text(one, "error"), ms(one, "ms"));
    }
    const std::string note = text(answer, "note");
    return fmt::format("cannot connect to {}: {}{}", wanted, tried.empty() ? text(answer, "error") : tried,
                       note.empty() ? "" : "; " + note);
}

}  // namespace

std::string show_connected(const Json& answer, const Style& style) {
    if (field(answer, "connected") != true) {
        return {};
    }
    return paragraph(
        fmt::format("{} answers after {}",
                    with_address(place(text(answer, "host"), number(answer, "port")), text(answer, "address")),
                    ms(answer, "ms")),
        style);
}

std::string show_resolved(const Json& answer, const Style& style) {
    std::string out;
    for (const Json& address : items(answer, "addresses")) {
        out += paragraph(address.is_string() ? address.get<std::string>() : "", style);
    }
    return out.empty() ? out : out + paragraph(fmt::format("found after {}", ms(answer, "ms")), style);
}

std::string show_pinged(const Json& answer, const Style& style) {
    const auto sent = number(answer, "sent");
    const auto received = number(answer, "received");
    if (sent == 0) {
        return {};
    }
    std::string out;
    for (const Json& echo : items(answer, "echoes")) {
        const std::string error = text(echo, "error");
        out += paragraph(fmt::format("{}  {}", number(echo, "number"), error.empty() ? ms(echo, "ms") : error), style,
                         0, error.empty() ? Tone::plain : Tone::bad);
    }
    const std::string times = received == 0 ? ""
                                            : fmt::format(", {} to {}, mean {}", ms(answer, "least_ms"),
                                                          ms(answer, "most_ms"), ms(answer, "mean_ms"));
    const std::string whom = with_address(text(answer, "host"), text(answer, "address"));
    return out + paragraph(fmt::format("{}: {} of {} came back{}", whom, received,
                                       sent == 1 ? "1 echo" : fmt::format("{} echoes", sent), times),
                           style);
}

std::string show_log(const std::string& body, const Style& style) {
    using Ordered = nlohmann::ordered_json;
    const Ordered answer = base::parse_json<Ordered>(body, base::wide_bounds);
    std::string out;
    for (const Ordered& line : answer.is_object() ? answer.value("lines", Ordered::array()) : Ordered::array()) {
        out += show_event(line.dump(-1, ' ', false, Ordered::error_handler_t::replace), style);
    }
    return out.empty() ? "nothing has been logged yet\n" : out;
}

std::string diagnosis(const Json& answer, const Options& options) {
    if (options.command == Command::connect && field(answer, "connected") != true) {
        return why_not_connected(answer);
    }
    if (options.command == Command::resolve && field(answer, "resolved") != true) {
        return fmt::format("cannot resolve {}: {} (after {})", text(answer, "name"), text(answer, "error"),
                           ms(answer, "ms"));
    }
    if (options.command == Command::ping && number(answer, "received") == 0) {
        return fmt::format("no echo from {}: {}", with_address(text(answer, "host"), text(answer, "address")),
                           text(answer, "error"));
    }
    return {};
}

}  // namespace appliance::cli
