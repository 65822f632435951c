"""The metrics: in Prometheus's format, and compared with visitors' requests."""

import json
import re

import house
from house import get, wait_until

LINE = re.compile(r'(gatehouse_[a-z_0-9]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)\Z')


def samples(text):
    """Maps name and labels to the value; raises for a line that breaks the format, or a name without TYPE."""
    found, kinds = {}, {}
    for line in text.splitlines():
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            if word == "TYPE":
                assert name not in kinds, f"{name} is introduced twice"
                kinds[name] = rest
            continue
        matched = LINE.match(line)
        assert matched, f"not a sample: {line!r}"
        name, labels, value = matched.groups()
        assert name in kinds or kinds.get(re.sub("_(bucket|sum|count)$", "", name)) == "histogram", f"{name} has no type"
        key = (name, tuple(sorted(re.findall(r'([a-z_]+)="([^"]*)"', labels or ""))))
        assert key not in found, f"{key} is there twice"
        found[key] = float(value)
    return found


class Metrics(house.SystemTest):
    def scrape(self):
        return samples(self.house.cli("metrics").stdout)

    def test_what_visitors_did_is_counted(self):
        large = 4 << 20
        for _ in range(3):
            get("/bytes?size=1000")
        get(f"/bytes?size={large}")
        get("/status?code=404")
        pool = ("pool", "app")
        key = ("gatehouse_pool_request_duration_seconds_count", (pool,))
        wait_until(lambda: self.scrape().get(key) == 5, 5, "five requests are counted")
        seen = self.scrape()
        self.assertEqual(seen["gatehouse_pool_requests_total", (pool, ("status", "2xx"))], 4)
        self.assertEqual(seen["gatehouse_pool_requests_total", (pool, ("status", "4xx"))], 1)
        spliced = seen["gatehouse_sent_bytes_total", (("mover", "splice"),)]
        self.assertGreater(spliced, large * 0.9)
        self.assertLessEqual(spliced, large)
        self.assertGreater(seen["gatehouse_sent_bytes_total", (("mover", "copy"),)], 3000)
        buckets = [(float(dict(labels)["le"]), value) for (name, labels), value in seen.items()
                   if name == "gatehouse_pool_request_duration_seconds_bucket" and pool in labels]
        counts = [value for _, value in sorted(buckets)]
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(counts[-1], 5)
        self.assertGreater(seen["gatehouse_pool_request_duration_seconds_sum", (pool,)], 0)

    def test_states_follow_what_operators_do(self):
        web1 = (("pool", "app"), ("server", "web1"))
        self.assertEqual(self.scrape()["gatehouse_backend_eligible", web1], 1)
        self.house.cli("fence", "web1", "--why", "to be seen")
        seen = self.scrape()
        self.assertEqual(seen["gatehouse_backend_eligible", web1], 0)
        self.assertEqual(seen["gatehouse_backend_fenced", web1], 1)
        self.assertEqual(seen["gatehouse_pool_serving", (("pool", "app"),)], 1)
        self.house.cli("maintenance", "on", "app", "--why", "to be seen")
        self.assertEqual(self.scrape()["gatehouse_pool_maintenance", (("pool", "app"),)], 1)

    def test_json_says_the_same(self):
        metrics = json.loads(self.house.cli("metrics", "--json").stdout)["metrics"]
        names = {metric["name"] for metric in metrics if metric["samples"]}
        self.assertEqual(names, {re.sub("_(bucket|sum|count)$", "", name) for name, _ in self.scrape()} | names)
        self.assertIn("gatehouse_info", names)


if __name__ == "__main__":
    house.main()
