// `gatehouse run`: the daemon.
#include <CLI/CLI.hpp>

#include "appliance/cli/client/command.hpp"

namespace appliance::cli {
namespace {

class RunCommand : public Command {
public:
    using Command::Command;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.add_option("-c,--config", config_, "The configuration")->type_name("FILE")->required();
        app.footer("Example: gatehouse run -c /etc/gatehouse/gatehouse.toml");
    }
    int run(const Finish& /*finish*/) override { return common().daemon(config_); }
    [[nodiscard]] bool is_local() const override { return true; }
    [[nodiscard]] bool is_daemon() const override { return true; }

private:
    std::string config_;
};

}  // namespace

extern const Maker make_run = make<RunCommand>;

}  // namespace appliance::cli
