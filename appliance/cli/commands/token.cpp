// `gatehouse token`: makes a bearer token for the API on TCP.
#include <fmt/format.h>
#include <sys/random.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/new_file.hpp"
#include "appliance/tls/digest.hpp"

namespace appliance::cli {
namespace {

core::Result<std::string> random_token() {
    std::array<unsigned char, 32> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return core::fail_os("cannot make a token", errno);
    }
    std::string token = "gh_";
    for (const unsigned char byte : bytes) {
        token += fmt::format("{:02x}", byte);
    }
    return token;
}

class TokenCommand : public Command {
public:
    using Command::Command;

    void declare(CLI::App& app, Common& /*common*/) override {
        app.add_option("NAME", name_, "The name of its user in the audit log")->type_name("")->required();
        app.add_option("--role", role_,
                       "What it allows: read, operate or admin (operate);\n"
                       "operate: fences, the page and deploys")
            ->check(CLI::IsMember({"read", "operate", "admin"}).description(""))
            ->type_name("ROLE");
        app.footer(
            "Example: gatehouse token ci --role operate --token-file ci.token\n"
            "Prints the lines for the daemon's configuration, which hold no secret. The token\n"
            "itself goes to --token-file, or is printed once.");
    }
    int run(const Finish& finish) override { return finish(make()); }
    [[nodiscard]] bool is_local() const override { return true; }

private:
    // 256 random bits. With --token-file they go into a new file that only its owner can read; else they are printed.
    [[nodiscard]] Outcome make() const {
        const std::string& file = common().token_file;
        const auto token = random_token();
        if (!token) {
            return outcome_of_failure(token.error());
        }
        const bool keep = !file.empty();
        const auto written =
            keep ? write_new_file(file, *token + "\n", "name a file that does not exist yet") : core::Result<void>();
        if (!written) {
            return outcome_of_failure(written.error());
        }
        const std::string digest = tls::sha256_hex(*token);
        if (common().json) {
            nlohmann::ordered_json body{{"name", name_}, {"role", role_}, {"token_sha256", digest}};
            body[keep ? "token_file" : "token"] = keep ? file : *token;
            return {done, body.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n", {}};
        }
        const std::string lines =
            fmt::format("[access.{}]\nrole = \"{}\"\ntoken_sha256 = \"{}\"\n", name_, role_, digest);
        const std::string where = keep ? fmt::format("# The token is in {}.\n", file)
                                       : fmt::format("# The token, which is shown this once:\n# {}\n", *token);
        return {done, where + "# For the daemon's configuration, then: gatehouse reload\n" + lines, {}};
    }

    std::string name_;  // of its [access.NAME]
    std::string role_ = "operate";
};

}  // namespace

extern const Maker make_token = make<TokenCommand>;

}  // namespace appliance::cli
