// `gatehouse connect`: tests a TCP connection from the daemon's machine.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/commands/diagnosis.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

std::string print_target(const Json& answer) {
    const std::string host = text(answer, "host");
    const auto port = number(answer, "port");
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

class ConnectCommand : public Diagnosis {
public:
    using Diagnosis::Diagnosis;

    void declare(CLI::App& app, Common& common) override {
        declare_target(app, common, "HOST", "A name or an address");
        app.add_option("PORT", port_, "1 to 65535")
            ->type_name("")
            ->required()
            ->check(CLI::Range(1, 65'535).description(""));
        app.footer(
            "Example: gatehouse connect 10.0.0.11 80\n"
            "The daemon's machine opens the connection and closes it at once. Exit code 1\n"
            "where there is none. A server's fence refuses this as well; checks pass it.");
    }
    [[nodiscard]] Request request() const override {
        return diagnose("connect", {{"host", target()}, {"port", port_}});
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        if (field(body, "connected") != true) {
            return {};
        }
        return paragraph(fmt::format("{} answers after {}", with_address(print_target(body), text(body, "address")),
                                     print_ms(body, "ms")),
                         screen.style);
    }

private:
    [[nodiscard]] std::string why_not(const Json& body) const override {
        if (field(body, "connected") == true) {
            return {};
        }
        const std::string wanted = print_target(body);
        std::string tried;
        for (const Json& one : items(body, "tried")) {
            const std::string address = text(one, "address");
            tried += fmt::format("{}{}{} after {}", tried.empty() ? "" : ", ", address == wanted ? "" : address + ": ",
                                 text(one, "error"), print_ms(one, "ms"));
        }
        const std::string note = text(body, "note");
        return fmt::format("cannot connect to {}: {}{}", wanted, tried.empty() ? text(body, "error") : tried,
                           note.empty() ? "" : "; " + note);
    }

    std::uint16_t port_ = 0;
};

}  // namespace

extern const Maker make_connect = make<ConnectCommand>;

}  // namespace appliance::cli
