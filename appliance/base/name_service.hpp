// The name service, asked so that the asking ends.
#pragma once

#include <netdb.h>

namespace appliance::base {

// getaddrinfo(3), with its parameters and results, but over UDP alone. After a truncated answer the C library would
// change to TCP, where it has no deadline (resolv/res_send.c, send_vc). A server that accepts and sends nothing would
// block the thread for ever. Of a truncated answer, what fits into a datagram counts. Blocks as resolv.conf says:
// timeout times attempts for each server and search domain; 5 s times 2 by default. Sets the resolver of the calling
// thread. Any thread.
int get_addresses(const char* host, const char* service, const addrinfo& hints, addrinfo** list);

}  // namespace appliance::base
