// `gatehouse ping`: sends ICMP echoes from the daemon's machine.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/commands/diagnosis.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

std::string print_peer(const Json& answer) {
    return with_address(text(answer, "host"), text(answer, "address"));
}

class PingCommand : public Diagnosis {
public:
    using Diagnosis::Diagnosis;

    void declare(CLI::App& app, Common& common) override {
        declare_target(app, common, "HOST", "A name or an address");
        add_number(app, "--count", count_, 1, 10, "How many echoes, 1 to 10 (3)");
        app.footer(
            "Example: gatehouse ping 10.0.0.11 --count 10\n"
            "Needs the group gatehouse in the daemon's sysctl net.ipv4.ping_group_range.");
    }
    [[nodiscard]] Request request() const override { return diagnose("ping", {{"host", target()}, {"count", count_}}); }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        const auto sent = number(body, "sent");
        const auto received = number(body, "received");
        if (sent == 0) {
            return {};
        }
        std::string out;
        for (const Json& echo : items(body, "echoes")) {
            const std::string error = text(echo, "error");
            out +=
                paragraph(fmt::format("{}  {}", number(echo, "number"), error.empty() ? print_ms(echo, "ms") : error),
                          screen.style, 0, error.empty() ? Tone::plain : Tone::bad);
        }
        const std::string times = received == 0 ? ""
                                                : fmt::format(", {} to {}, mean {}", print_ms(body, "least_ms"),
                                                              print_ms(body, "most_ms"), print_ms(body, "mean_ms"));
        return out + paragraph(fmt::format("{}: {} of {} came back{}", print_peer(body), received,
                                           sent == 1 ? "1 echo" : fmt::format("{} echoes", sent), times),
                               screen.style);
    }

private:
    [[nodiscard]] std::string why_not(const Json& body) const override {
        return number(body, "received") > 0 ? std::string()
                                            : fmt::format("no echo from {}: {}", print_peer(body), text(body, "error"));
    }

    std::int64_t count_ = 3;
};

}  // namespace

extern const Maker make_ping = make<PingCommand>;

}  // namespace appliance::cli
