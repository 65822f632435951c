#include "images/update/fetch.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <utility>

#include "images/update/digest.hpp"

namespace images::update {
namespace {

using core::base::fail;
using core::base::Result;

constexpr std::size_t text_max = 64 * 1024;
constexpr time_t patience = 30;  // seconds

std::unique_ptr<httplib::Client> client_for(const Source& source, const std::string& ca_file) {
    auto client = std::make_unique<httplib::Client>(source.server);
    client->set_follow_location(true);
    client->set_connection_timeout(patience);
    client->set_read_timeout(patience);
    if (!ca_file.empty()) {
        client->set_ca_cert_path(ca_file);
    }
    return client;
}

tl::unexpected<core::base::Error> refuse(const Source& source, const std::string& name, std::string why) {
    return fail(fmt::format("cannot fetch {}{}{}", source.server, source.folder, name), std::move(why),
                "see that the folder which ./dev image made for updates is there, whole");
}

}  // namespace

Result<Source> Source::parse(std::string_view url) {
    const std::string_view scheme = url.substr(0, url.find("://") + 1);
    const auto begin = scheme.size() + 2;
    const auto bad = [](char c) { return c <= ' ' || c == '?' || c == '#' || c == '\x7f'; };
    if ((scheme != "https:" && scheme != "http:") || url.size() <= begin || url[begin] == '/' || url.size() > 2000 ||
        std::any_of(url.begin(), url.end(), bad)) {
        return fail(fmt::format("'{:.200}' is no place of updates", url), "",
                    "name a folder, as https://updates.example.org/gatehouse/");
    }
    const auto slash = url.find('/', begin);
    Source source{std::string(url.substr(0, slash)),
                  slash == std::string_view::npos ? "/" : std::string(url.substr(slash))};
    if (!source.folder.ends_with('/')) {
        source.folder += '/';
    }
    return source;
}

Result<std::string> fetch_text(const Source& source, const std::string& name, const std::string& ca_file) {
    std::string text;
    const auto answer =
        client_for(source, ca_file)->Get(source.folder + name, [&text](const char* data, std::size_t size) {
            text.append(data, size);
            return text.size() <= text_max;
        });
    if (text.size() > text_max) {
        return refuse(source, name, "it is larger than 64 KiB");
    }
    if (!answer) {
        return refuse(source, name, httplib::to_string(answer.error()));
    }
    return answer->status == 200 ? Result<std::string>(std::move(text))
                                 : refuse(source, name, fmt::format("the server answered {}", answer->status));
}

Result<void> fetch_file(const Source& source, const File& file, const std::string& ca_file,
                        const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / file.name;
    const std::filesystem::path part = path.string() + ".part";
    std::ofstream out(part, std::ios::binary | std::ios::trunc);
    Digest digest;
    std::uint64_t left = file.size;
    std::string why;
    const auto take_head = [&](const httplib::Response& head) {
        if (head.status != 200) {
            why = fmt::format("the server answered {}", head.status);
        }
        return why.empty();
    };
    const auto take_piece = [&](const char* data, std::size_t size) {
        if (size > left) {
            why = fmt::format("it has more bytes than the {} that were signed", file.size);
            return false;
        }
        left -= size;
        digest.add({data, size});
        out.write(data, static_cast<std::streamsize>(size));
        why = out ? "" : "the data partition is full";
        return bool(out);
    };
    const auto answer = client_for(source, ca_file)->Get(source.folder + file.name, take_head, take_piece);
    out.close();
    if (why.empty() && !answer) {
        why = httplib::to_string(answer.error());
    }
    if (why.empty() && (left != 0 || digest.end() != file.sha256)) {
        why = "it is not what SHA256SUMS says";
    }
    std::error_code error;
    if (why.empty() && !out) {
        why = "the data partition is full";
    }
    if (why.empty()) {
        std::filesystem::rename(part, path, error);
        why = error ? error.message() : "";
    }
    if (!why.empty()) {
        std::filesystem::remove(part, error);
        return refuse(source, file.name, why);
    }
    return {};
}

}  // namespace images::update
