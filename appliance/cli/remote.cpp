#include "appliance/cli/remote.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "appliance/config/values/text_file.hpp"

namespace appliance::cli {
namespace {

constexpr std::size_t token_bytes = 4096;

std::string read_token(const std::string& file) {
    struct stat entry {};
    if (::stat(file.c_str(), &entry) == 0 && (entry.st_mode & S_IROTH) != 0) {
        throw CLI::ValidationError("--token-file",
                                   fmt::format("'{}' can be read by everybody; chmod go= {}", file, file));
    }
    const auto text = config::read_text(file, token_bytes);
    if (!text) {
        throw CLI::ValidationError("--token-file", text.error().line());
    }
    const auto end = text->find_last_not_of(" \t\r\n");
    const std::string token = end == std::string::npos ? std::string() : text->substr(0, end + 1);
    if (token.empty() || token.find_first_of(" \t\r\n") != std::string::npos) {
        throw CLI::ValidationError("--token-file", fmt::format("'{}' holds {}; it has to hold one token", file,
                                                               token.empty() ? "nothing" : "several words"));
    }
    return token;
}

}  // namespace

void add_remote(CLI::App& app, RemoteWords& words) {
    const std::string group = "From another machine";
    app.add_option("--host", words.host, "Speak to the daemon there (port 8443)")
        ->type_name("HOST[:PORT]")
        ->envname("GATEHOUSE_REMOTE")
        ->group(group);
    app.add_option("--token-file", words.token_file, "File that holds your API token")
        ->type_name("FILE")
        ->envname("GATEHOUSE_TOKEN_FILE")
        ->group(group);
    app.add_option("--ca", words.ca, "CA file to verify the daemon's certificate")
        ->type_name("FILE")
        ->envname("GATEHOUSE_CA")
        ->group(group);
    auto* certificate = app.add_option("--cert", words.certificate, "A certificate to show instead of a token");
    certificate->type_name("FILE")->envname("GATEHOUSE_CERT")->group(group);
    auto* key = app.add_option("--key", words.key, "The key of --cert");
    key->type_name("FILE")->envname("GATEHOUSE_KEY")->group(group)->needs(certificate);
    certificate->needs(key);
}

void take_remote(const RemoteWords& words, bool local, Common& common) {
    common.token_file = words.token_file;
    if (words.host.empty() || local) {
        return;
    }
    auto place = api::Place::parse(words.host);
    if (!place) {
        throw CLI::ValidationError("--host", place.error().line());
    }
    if (!words.token_file.empty()) {
        place->token = read_token(words.token_file);
    }
    place->ca_file = words.ca;
    place->certificate_file = words.certificate;
    place->key_file = words.key;
    common.remote = std::move(*place);
}

}  // namespace appliance::cli
