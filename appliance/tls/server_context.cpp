#include "appliance/tls/server_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace appliance::tls {
namespace {

using Bio = std::unique_ptr<BIO, decltype([](BIO* bio) { ::BIO_free(bio); })>;
using Certificate = std::unique_ptr<X509, decltype([](X509* one) { ::X509_free(one); })>;
using Key = std::unique_ptr<EVP_PKEY, decltype([](EVP_PKEY* key) { ::EVP_PKEY_free(key); })>;

Bio reader_of(const std::string& pem) {
    return Bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

using Done = tl::expected<void, Trouble>;

tl::unexpected<Trouble> refuse(std::string member, std::string what, std::string mend) {
    const unsigned long code = ::ERR_peek_last_error();
    return tl::unexpected(
        Trouble{std::move(member), {std::move(what), code == 0 ? "" : reason(code), std::move(mend), 0}});
}

// Never asks a terminal for a password.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
    return -1;
}

Done use_certificate(SSL_CTX* context, const std::string& pem) {
    const Bio reader = reader_of(pem);
    const Certificate own(::PEM_read_bio_X509(reader.get(), nullptr, no_password, nullptr));
    if (!own || ::SSL_CTX_use_certificate(context, own.get()) != 1) {
        return refuse("certificate", "it holds no certificate", "write it as PEM: -----BEGIN CERTIFICATE-----");
    }
    for (;;) {
        const Certificate next(::PEM_read_bio_X509(reader.get(), nullptr, no_password, nullptr));
        if (!next) {
            ::ERR_clear_error();
            return {};
        }
        ::SSL_CTX_add1_chain_cert(context, next.get());
    }
}

Done use_key(SSL_CTX* context, const std::string& pem) {
    const Key key(::PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, no_password, nullptr));
    if (!key) {
        return refuse("key", "it holds no key", "write it as PEM, without a password: -----BEGIN PRIVATE KEY-----");
    }
    if (::SSL_CTX_use_PrivateKey(context, key.get()) != 1 || ::SSL_CTX_check_private_key(context) != 1) {
        return refuse("key", "it is not that of 'certificate'", "name the two that were made together");
    }
    return {};
}

Done use_client_ca(SSL_CTX* context, const std::string& pem) {
    if (pem.empty()) {
        return {};
    }
    const Bio reader = reader_of(pem);
    unsigned count = 0;
    for (;; ++count) {
        const Certificate next(::PEM_read_bio_X509(reader.get(), nullptr, no_password, nullptr));
        if (!next) {
            break;
        }
        ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context), next.get());
        ::SSL_CTX_add_client_CA(context, next.get());
    }
    if (count == 0) {
        return refuse("client_ca", "it holds no certificate", "write it as PEM: -----BEGIN CERTIFICATE-----");
    }
    ::ERR_clear_error();
    // Asked for, not required: other clients have a token.
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return {};
}

}  // namespace

tl::expected<Context, Trouble> make_server_context(const Material& material) {
    ::ERR_clear_error();
    Context context(::SSL_CTX_new(::TLS_server_method()), [](SSL_CTX* one) { ::SSL_CTX_free(one); });
    if (!context) {
        return refuse("certificate", "TLS cannot be used", "");
    }
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    // A client that ends without a close_notify has ended; HTTP has its own lengths.
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                             SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // A resumed session would bring back a certificate that is no longer trusted.
    ::SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_num_tickets(context.get(), 0);
    ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return use_certificate(context.get(), material.certificate)
        .and_then([&] { return use_key(context.get(), material.key); })
        .and_then([&] { return use_client_ca(context.get(), material.client_ca); })
        .map([&] { return context; });
}

std::string common_name(const x509_st* certificate) {
    const X509_NAME* subject = certificate == nullptr ? nullptr : ::X509_get_subject_name(certificate);
    const int at = subject == nullptr ? -1 : ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || ::X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
        return {};
    }
    unsigned char* bytes = nullptr;
    const int size = ::ASN1_STRING_to_UTF8(&bytes, ::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at)));
    const std::string name(reinterpret_cast<const char*>(bytes), size > 0 ? static_cast<std::size_t>(size) : 0);
    ::OPENSSL_free(bytes);
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
    return plain ? name : std::string();
}

std::string reason(unsigned long code) {
    const char* words = ::ERR_reason_error_string(code);
    if (words != nullptr) {
        return words;
    }
    std::array<char, 256> text{};
    ::ERR_error_string_n(code, text.data(), text.size());
    return text.data();
}

}  // namespace appliance::tls
