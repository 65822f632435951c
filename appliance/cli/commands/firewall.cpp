// `gatehouse firewall`: the appliance's own firewall.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/change.hpp"
#include "appliance/cli/views/firewall.hpp"

namespace appliance::cli {
namespace {

class FirewallStatusCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.footer("Example: gatehouse firewall status --json");
    }
    [[nodiscard]] Request request() const override { return get_request("/v1/firewall"); }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_firewall(body, screen.now, screen.style);
    }
};

class FirewallConfirmCommand : public Change {
public:
    using Change::Change;

    void declare(CLI::App& app, Common& common) override {
        add_why(app, common);
        app.footer(
            "Example: gatehouse firewall confirm --why 'I still get in'\n"
            "From a new session: one that was open before gets through any firewall.");
    }
    [[nodiscard]] Request request() const override {
        return change_request("/v1/firewall/confirm", Json::object(), common());
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_firewall(body, screen.now, screen.style);
    }
};

}  // namespace

extern const Maker make_firewall_status = make<FirewallStatusCommand>;
extern const Maker make_firewall_confirm = make<FirewallConfirmCommand>;

}  // namespace appliance::cli
