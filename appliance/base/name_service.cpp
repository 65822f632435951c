#include "appliance/base/name_service.hpp"

#include <netinet/in.h>
#include <resolv.h>

namespace appliance::base {

int get_addresses(const char* host, const char* service, const addrinfo& hints, addrinfo** list) {
    // A state that a program has changed is kept by getaddrinfo(), and res_init() reads resolv.conf anew.
    if (::res_init() == 0) {
        _res.options |= RES_IGNTC;
    }
    return ::getaddrinfo(host, service, &hints, list);
}

}  // namespace appliance::base
