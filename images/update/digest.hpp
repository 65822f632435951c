// Digest: SHA-256 of bytes that come piece by piece, in SHA256SUMS's form.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace images::update {

class Digest {
public:
    Digest();
    void add(std::string_view piece);
    // 64 hexadecimal digits, in lower case; nothing may be added afterwards.
    [[nodiscard]] std::string end();

private:
    std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

[[nodiscard]] std::string sha256_of(std::string_view text);

}  // namespace images::update
