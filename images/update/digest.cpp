#include "images/update/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace images::update {

Digest::Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void Digest::add(std::string_view piece) {
    EVP_DigestUpdate(context_.get(), piece.data(), piece.size());
}

std::string Digest::end() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), bytes.data(), &size);
    std::string text;
    for (unsigned at = 0; at < size; ++at) {
        text += fmt::format("{:02x}", bytes.at(at));
    }
    return text;
}

std::string sha256_of(std::string_view text) {
    Digest digest;
    digest.add(text);
    return digest.end();
}

}  // namespace images::update
