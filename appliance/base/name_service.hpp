// The name service, asked so that the asking ends.
#pragma once

#include <netdb.h>

namespace appliance::base {

// getaddrinfo(3), with its parameters and results, but over UDP alone: over TCP, where a cut answer sends it, the C
// library waits without any deadline (resolv/res_send.c, send_vc), so a server that accepts and says nothing would hold
// the thread for ever. Of a cut answer what fits into a datagram counts. Blocks for as long as resolv.conf says:
// timeout times attempts for each server and search domain, 5 s times 2 where it says nothing. Sets the resolver of the
// calling thread. Any thread.
int get_addresses(const char* host, const char* service, const addrinfo& hints, addrinfo** list);

}  // namespace appliance::base
