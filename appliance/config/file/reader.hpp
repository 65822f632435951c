// Reader: the sections of the file, one method each, in the order in which they need each other: a pool looks up its
// servers, a listener its pool. Used by load.cpp alone; problems go to the report and reading goes on.
#pragma once

#include <map>
#include <string>

#include "appliance/config/file/section.hpp"
#include "appliance/config/model/config.hpp"
#include "appliance/config/values/named_file.hpp"

namespace appliance::config {

class Reader {
public:
    // All three outlive the reader.
    Reader(const Node& root, Config& config, Report& report);

    void read();

private:
    using Named = void (Reader::*)(const std::string& name, Section& section);

    // Calls reader for each table below key, as in [pool.NAME].
    void each(std::string_view key, std::size_t count_max, Named reader);
    // The section of a plain table such as [proxy]; an empty one where it is missing.
    Section section(std::string_view key);

    void read_server(const std::string& name, Section& section);
    void read_pool(const std::string& name, Section& section);
    void read_check(const std::string& pool, const Entry& entry, Check& check);
    static void check_http_check(Section& section, const Check& check);
    void read_backends(Section& section, Pool& pool);
    static void check_sources(Section& section, const Pool& pool);
    void read_backend(const Node& node, Pool& pool);
    void add_backend(Position at, Backend backend, Pool& pool);
    void read_plane(Section& section, Pool& pool);
    void check_plane(Section& section, const Listener& listener);
    void check_route_plane(Section& section, const std::string& name);
    void read_listener(const std::string& name, Section& section);
    void read_listener_address(Section& section, Listener& listener);
    static void check_trusted(Section& section, const Listener& listener);
    static void check_http_fields(Section& section, const Listener& listener);
    static void check_host(Section& section, const Pool& pool);
    static void check_cookie_name(Section& section, const Pool& pool);
    void check_cookie(Section& section, const Listener& listener);
    void read_routes(Section& section, Listener& listener);
    void read_route(const Node& node, Listener& listener);
    void refuse_hidden(Position at, const core::balance::Route& route, const Listener& listener);
    void refuse_loop(Position at, const Listener& listener);
    void read_recipe(const std::string& name, Section& section);
    void read_site();
    // "timezone", of the system's; what is there stays where the section does not say.
    static void read_timezone(Section& section, std::string& zone);
    void read_guard(const std::string& name, Section& section);
    void read_meetings(Section& section, Guard& guard);
    void read_secret(Section& section, Guard& guard);
    void read_source(Section& section, Guard& guard);
    void read_windows(Section& section, Guard& guard);
    void read_maintenance();
    void read_bypass(Section& section);
    void read_page(Section& section);
    void read_firewall();
    void read_management_ports(Section& section, Firewall& firewall);
    void read_rate(Section& section, Firewall& firewall);
    void read_control();
    void read_remote(Section& section);
    // What the file that key names holds, which only we shall read, without the end of its line; empty where something
    // is wrong, which was complained of. what: what it ought to hold.
    std::string read_secret_file(Section& section, std::string_view key, const std::string& name,
                                 std::string_view what);
    Site read_login(Section& section);
    // What the file that key names holds; empty where there is none, or it was complained of.
    std::string read_pem(Section& section, std::string_view key, bool secret);
    void open_for_management(Section& section, std::uint16_t port);
    void read_access(const std::string& name, Section& section);
    void read_proxy();
    void read_timeouts();
    void read_limits();

    Section root_;
    Config& config_;
    Report& report_;
    std::vector<FileIdentity> secrets_;  // files that no visitor may read
};

}  // namespace appliance::config
