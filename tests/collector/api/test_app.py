from pathlib import Path

from headroom_collector.api.services import Services


def test_every_answer_carries_the_security_headers(client) -> None:
    for path in ("/healthz", "/metrics", "/no/such/page", "/api/v1/hosts?limit=0"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_interface_describes_itself_and_loads_nothing_from_elsewhere(
    client,
) -> None:
    described = client.get("/api/openapi.json").json()

    assert described["info"]["title"] == "Headroom"
    assert {"/api/v1/hosts", "/api/v1/alerts", "/api/v1/headroom", "/metrics"} <= set(
        described["paths"]
    )
    assert not [path for path in described["paths"] if path.startswith("/admin")]
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


def test_administration_is_on_the_admin_socket_alone(client, admin) -> None:
    assert client.get("/admin/info").status_code == 404
    assert client.post("/admin/hosts/web-1/retire", json={}).status_code == 404
    assert admin.get("/admin/info").status_code == 200


def test_an_error_is_one_line(client) -> None:
    answers = {
        "/no/such/page": (404, "Not Found"),
        "/api/v1/hosts?limit=0": (422, "query limit: Input should be greater than or equal to 1"),
        "/api/v1/hosts?cursor=xx": (
            400,
            "cursor: is not a next_cursor of this list; leave it out",
        ),
    }
    for path, (status, detail) in answers.items():
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (status, {"detail": detail})


def test_the_collector_is_alive_and_ready(client) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "version": "0.1.0"}
    assert client.get("/readyz").json() == {"status": "ready", "version": "0.1.0"}


def test_a_closed_store_is_alive_but_not_ready(client, services: Services) -> None:
    services.store.close()

    assert client.get("/healthz").status_code == 200
    for path in ("/readyz", "/api/v1/hosts"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert len(answer.json()["detail"].splitlines()) == 1


def test_the_info_says_what_the_collector_has(admin, fleet, inventory: Path) -> None:
    fleet.host("web-1", 0.2)
    fleet.host("stray", 0.2)
    admin.post("/admin/inventory/reload")

    info = admin.get("/admin/info").json()

    assert (info["hosts"], info["unassigned"], info["inventory"]) == (
        2,
        ["stray"],
        str(inventory),
    )
    assert info["statistics"]["batches_total"] == 2
    assert info["time"] == "2027-01-15T08:00:00.000Z"
