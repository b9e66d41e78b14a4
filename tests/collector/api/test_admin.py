from pathlib import Path

HOUR = 3_600_000_000_000


def test_a_retired_host_says_so_until_it_is_restored(admin, fleet) -> None:
    fleet.host("web-1", 0.1)

    answer = admin.post("/admin/hosts/web-1/retire", json={"reason": "freed", "author": "eve"})
    assert answer.json() == {
        "host": "web-1",
        "status": "retired",
        "since": "2027-01-15T08:00:00.000Z",
        "until": None,
        "reason": "freed",
        "site": "fra1",
        "cluster": "web",
    }
    listed = admin.get("/api/v1/hosts?status=retired").json()["items"]
    assert [(host["name"], host["status_reason"]) for host in listed] == [("web-1", "freed")]

    assert admin.post("/admin/hosts/web-1/restore", json={}).json()["status"] == "present"
    assert admin.get("/api/v1/hosts/web-1").json()["status"] == "present"


def test_maintenance_has_an_end(admin, fleet, clock) -> None:
    fleet.host("web-1", 0.1)
    wish = {"until": "2027-01-15T09:00:00Z", "reason": "disks"}

    answer = admin.post("/admin/hosts/web-1/maintenance", json=wish)

    assert (answer.json()["status"], answer.json()["until"]) == (
        "maintenance",
        "2027-01-15T09:00:00.000Z",
    )
    clock.time += HOUR
    assert admin.get("/api/v1/hosts/web-1").json()["status"] == "present"


def test_a_renamed_hosts_history_follows_the_new_name(admin, get, fleet, clock) -> None:
    fleet.host("web-1", 0.1, ago=100)
    assert admin.post("/admin/hosts/web-1/rename", json={"to": "web-9"}).json()["host"] == "web-9"
    assert [host["name"] for host in get("/api/v1/hosts")["items"]] == ["web-9"]

    fleet.host("web-9", 0.5)

    (host,) = get("/api/v1/hosts")["items"]
    assert (host["name"], host["former_names"]) == ("web-9", ["web-1"])
    assert host["first_seen"] == "2027-01-15T07:58:20.000Z"
    assert get("/api/v1/hosts/web-1")["name"] == "web-9"
    series = get("/api/v1/series", host="web-9", metric="headroom_host_cpu_utilisation_ratio")
    assert sorted(p[1] for line in series["series"] for p in line["points"]) == [0.1, 0.5]


def test_what_cannot_be_done_is_one_line(admin, fleet) -> None:
    fleet.host("web-1", 0.1)
    wishes = [
        ("web-2/retire", {}, 409, "host 'web-2' is not known; did you mean 'web-1'?"),
        ("web-1/retire", {"why": "x"}, 422, "body why: Extra inputs are not permitted"),
        ("web-1/maintenance", {"until": "soon"}, 400, "until = 'soon': expected RFC 3339"),
        ("web-1/maintenance", {"until": "2020-01-01T00:00:00Z"}, 409, "maintenance of 'web-1'"),
        ("web-1/rename", {"to": "a b"}, 422, "host name 'a b': expected letters"),
        ("web-1/rename", {}, 422, "body to: Field required"),
    ]
    for path, wish, status, detail in wishes:
        answer = admin.post(f"/admin/hosts/{path}", json=wish)
        assert (answer.status_code, answer.json()["detail"][: len(detail)]) == (status, detail)


def test_a_reload_says_what_changed_and_a_broken_file_changes_nothing(
    admin, fleet, inventory: Path
) -> None:
    fleet.host("web-1", 0.1)
    admin.post("/admin/inventory/reload")
    inventory.write_text("host,site,cluster\nweb-1,ams1,web\n")

    answer = admin.post("/admin/inventory/reload").json()

    (change,) = answer["changes"]
    assert change == (
        "web-1: site fra1 -> ams1, class r640 -> -, owner shop -> -, purchase_date 2021-03-31 -> -"
    )
    assert answer["unassigned"] == []
    inventory.write_text("hots,site\nweb-1,ams1\n")
    broken = admin.post("/admin/inventory/reload")
    assert broken.status_code == 422
    assert "line 1: unknown column 'hots'; did you mean 'host'?" in broken.json()["detail"]
    assert admin.get("/api/v1/hosts/web-1").json()["site"] == "ams1"
