#include "appliance/cli/token.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/new_file.hpp"
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

Outcome refuse(const core::Error& error) {
    return {failed, {}, fmt::format("gatehouse: {}\n", error.line())};
}

}  // namespace

Outcome make_token(const Options& options) {
    const auto token = random_token();
    if (!token) {
        return refuse(token.error());
    }
    const bool keep = !options.token_file.empty();
    const auto written = keep ? write_new_file(options.token_file, *token + "\n", "name a file that does not exist yet")
                              : core::Result<void>();
    if (!written) {
        return refuse(written.error());
    }
    const std::string digest = tls::sha256_hex(*token);
    if (options.json) {
        nlohmann::ordered_json body{{"name", options.name}, {"role", options.role}, {"token_sha256", digest}};
        body[keep ? "token_file" : "token"] = keep ? options.token_file : *token;
        return {done, body.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n", {}};
    }
    const std::string lines =
        fmt::format("[access.{}]\nrole = \"{}\"\ntoken_sha256 = \"{}\"\n", options.name, options.role, digest);
    const std::string where = keep ? fmt::format("# The token is in {}.\n", options.token_file)
                                   : fmt::format("# The token, which is shown this once:\n# {}\n", *token);
    return {done, where + "# For the daemon's configuration, then: gatehouse reload\n" + lines, {}};
}

}  // namespace appliance::cli
