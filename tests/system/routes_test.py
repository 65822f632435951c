"""Routes through the whole house: one listener, two pools, taken from the file and changed by a reload."""

from house import CONFIGURATION, SystemTest, get, main, wait_until

ROUTE = '[[listen.web.route]]\nhost = "one.example.org"\npath = "/only"\npool = "one"\n\n[listen.web6]'


class Routes(SystemTest):
    configuration = CONFIGURATION.replace("[listen.web6]", ROUTE) + '\n[pool.one]\nport = 80\nservers = ["web1"]\n'

    def names(self, path, host):
        return {get(path, headers={"Host": host}).content.split(b":")[0] for _ in range(6)}

    def test_a_route_takes_its_host_and_path_and_goes_with_a_reload(self):
        wait_until(lambda: self.house.states("one") == {"web1": "up"}, 5, "the routed pool's server is up")
        self.assertEqual(self.names("/only/here", "One.example.org"), {b"web1"})
        self.assertEqual(self.names("/only/here", "two.example.org"), {b"web1", b"web2"})
        self.assertEqual(self.names("/other", "one.example.org"), {b"web1", b"web2"})
        self.assertIn("one.example.org/only to one", self.house.cli("status").stdout)
        self.house.write_configuration(CONFIGURATION)
        self.house.cli("reload")
        self.assertEqual(self.names("/only/here", "one.example.org"), {b"web1", b"web2"})


if __name__ == "__main__":
    main()
